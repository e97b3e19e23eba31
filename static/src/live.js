// The live page: a chart and a log that its stream fills. Without this the page reads itself again every two seconds.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./live.css";

/** keptLines is how many lines the log holds; a measurement has 3,000 at most. */
const keptLines = 500;

const panel = document.querySelector("[data-live-stream]");
if (panel) start(panel);

function start(panel) {
  const log = panel.querySelector("[data-live-log]");
  const chart = makeChart(panel.querySelector("[data-live-chart]"));
  const wasRunning = panel.hasAttribute("data-live-running");
  const source = new EventSource(panel.dataset.liveStream);

  source.addEventListener("reset", () => { log.replaceChildren(); chart.clear(); });
  source.addEventListener("points", (e) => chart.add(JSON.parse(e.data)));
  source.addEventListener("log", (e) => {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
    log.append(fragment(e.data));
    while (log.childElementCount > keptLines) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  });
  source.addEventListener("sum", (e) => document.getElementById("live-sum").replaceWith(fragment(e.data)));
  source.addEventListener("end", (e) => {
    source.close();
    // The forms of who is signed in are the page's, and another one is due now; who looks from outside has none.
    if (wasRunning && document.querySelector(".acts")) location.assign(location.pathname.replace(/\/share$/, ""));
    else document.getElementById("live-state").replaceWith(fragment(e.data));
  });
  source.addEventListener("bye", () => source.close());
  log.scrollTop = log.scrollHeight;
}

/** fragment reads HTML without letting anything in it run or load. */
function fragment(html) {
  const t = document.createElement("template");
  t.innerHTML = html;
  return t.content;
}

/** makeChart draws RTTs, and a cross on the floor for each packet without a reply, by the time of sending. */
function makeChart(box) {
  const at = [], rtt = [], lost = [];
  const data = [at, rtt, lost];
  const colour = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = { stroke: colour("--ink-3"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { stroke: colour("--grid"), width: 1 } };
  const size = () => ({ width: Math.max(240, box.clientWidth - 32), height: 220 });
  const plot = new uPlot({
    ...size(),
    legend: { show: true, live: true },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, _min, max) => [0, Math.max(1, (max || 0) * 1.1)] } },
    axes: [axis, { ...axis, size: 56 }],
    series: [
      { label: "sent", value: "{HH}:{mm}:{ss}" },
      { label: "RTT, ms", stroke: colour("--loss-0"), width: 1.6, spanGaps: false, points: { size: 4 }, value: (_, v) => v?.toFixed(3) ?? "–" },
      { label: "no reply", stroke: colour("--down-mark"), paths: () => null, points: { show: true, size: 9, width: 2, fill: colour("--down-mark") }, value: (_, v) => (v === 0 ? "yes" : "–") },
    ],
  }, data, box);
  new ResizeObserver(() => plot.setSize(size())).observe(box);

  return {
    clear() { for (const list of data) list.length = 0; plot.setData(data); },
    add(points) {
      for (const [when, ms] of points) {
        // Lost packets are told two seconds after they were sent, and replies come out of order.
        let i = at.length;
        while (i > 0 && at[i - 1] > when) i--;
        at.splice(i, 0, when);
        rtt.splice(i, 0, ms);
        lost.splice(i, 0, ms === null ? 0 : null);
      }
      plot.setData(data);
    },
  };
}
