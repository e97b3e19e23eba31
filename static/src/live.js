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

/**
 * makeChart draws RTTs over the seconds since the first packet, by the time of sending. RTT stands on the floor, loss hangs
 * from the top, as in all our charts.
 */
function makeChart(box) {
  const at = [], rtt = [];
  const data = [at, rtt];
  let first;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const lines = { stroke: () => colour("--line"), width: 1 };
  const axis = { stroke: () => colour("--ink-3"), grid: lines, ticks: lines };
  const size = () => ({ width: Math.max(240, box.clientWidth - 32), height: 220 });

  function drawLoss(u) {
    const { left, top, width, height } = u.bbox;
    u.ctx.fillStyle = colour("--down-mark");
    const thick = Math.max(2, Math.min(6, width / Math.max(1, at.length)));
    for (let i = 0; i < at.length; i++) {
      if (rtt[i] !== null) continue;
      const x = u.valToPos(at[i], "x", true);
      if (x >= left && x <= left + width) u.ctx.fillRect(x - thick / 2, top, thick, height / 4);
    }
  }

  const plot = new uPlot({
    ...size(),
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { range: (_, _min, max) => [0, max > 0 ? max * 1.15 : 1] } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map((v) => `${v} s`) }, { ...axis, size: 64 }],
    series: [
      { label: "Sent after", value: (_, v) => (v == null ? "–" : `${v.toFixed(1)} s`) },
      {
        label: "RTT", stroke: () => colour("--quiet"), width: 1.6, points: { show: true, size: 4, fill: () => colour("--quiet") },
        value: (_, v, __, i) => (i == null ? "–" : v == null ? "no reply" : `${v.toFixed(3)} ms`),
      },
    ],
    hooks: { draw: [drawLoss] },
  }, data, box);
  new ResizeObserver(() => plot.setSize(size())).observe(box);
  // A canvas does not follow the theme by itself.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw());
  new MutationObserver(() => plot.redraw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });

  return {
    clear() { at.length = rtt.length = 0; plot.setData(data); },
    add(points) {
      for (const [when, ms] of points) {
        first ??= when;
        // Lost packets are told two seconds after they were sent, and replies come out of order.
        let i = at.length;
        while (i > 0 && at[i - 1] > when - first) i--;
        at.splice(i, 0, when - first);
        rtt.splice(i, 0, ms);
      }
      plot.setData(data);
    },
  };
}
