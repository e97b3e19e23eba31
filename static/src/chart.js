// The chart is drawn by the server. Here is its cursor: pointer or arrow keys choose a slot, whose exact values stand in the
// readout; dragging zooms; a chart that ends now is read again as checks arrive.

import { aim, read } from "./read.js";

const nbsp = "\u00a0";
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const day = 86400e3, minute = 60e3;
const followEvery = 10e3;
const dragFrom = 6; // px: less is a click
const svgNS = "http://www.w3.org/2000/svg";

const two = (n) => String(n).padStart(2, "0");
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

/** milliseconds and percent are the server's rules (views.milliseconds, views.percent). */
const milliseconds = (us) => `${grouped(Math.floor(us / 1000))}.${String(us % 1000).padStart(3, "0")}`;
function percent(sent, received) {
  const loss = sent ? 100 * (sent - received) / sent : 0;
  const tenths = Math.floor(loss * 10 + 1e-6) || (loss > 0 ? 1 : 0);
  return tenths % 10 ? `${Math.floor(tenths / 10)}.${tenths % 10}` : String(tenths / 10);
}

const formats = new Map();
/** parts are a moment's figures in a zone. */
function parts(ms, zone) {
  if (!formats.has(zone)) {
    formats.set(zone, new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }));
  }
  const p = {};
  for (const { type, value } of formats.get(zone).formatToParts(ms)) p[type] = Number(value);
  return { ...p, date: `${p.day} ${months[p.month - 1]}`, clock: `${two(p.hour)}:${two(p.minute)}`, exact: `${two(p.hour)}:${two(p.minute)}:${two(p.second)}` };
}

/** Chart is what the server put into the page: slots of [start, length] where nothing was measured, else with p5 … p95, sent,
 *  received, checks, unknown ones after them. */
class Chart {
  constructor(el) {
    const number = (name) => Number(el.dataset[name]);
    this.el = el;
    this.points = JSON.parse(el.dataset.points);
    this.from = number("from");
    this.to = number("to");
    this.step = number("step");
    this.top = number("top");
    this.zone = el.dataset.zoneName;
    this.at = -1;
  }

  /** when is the server's rule (Smoke.when). */
  when([start, length, ...rest]) {
    const a = parts(start, this.zone), b = parts(start + length, this.zone);
    const seconds = this.step % minute !== 0 || this.to - this.from < 10 * minute;
    const clock = (p) => (seconds ? p.exact : p.clock);
    if (this.step === 0 && rest.length) return `${a.date} ${a.exact}`;
    if (length >= day && a.clock === "00:00" && b.clock === "00:00") {
      const last = parts(start + length - day, this.zone);
      return last.date === a.date ? `${a.date} ${a.year}` : `${a.date}–${last.date} ${last.year}`;
    }
    if (a.date === b.date && clock(a) === clock(b)) return `${a.date} ${clock(a)}`;
    return a.date === b.date ? `${a.date} ${clock(a)}–${clock(b)}` : `${a.date} ${clock(a)} – ${b.date} ${clock(b)}`;
  }

  /** figures are the server's rule (drawing.readout): word, value, what stands behind it, class. */
  figures(point) {
    if (point.length === 2) return [["not measured"]];
    const [, , p5, p25, p50, p75, p95, sent, received, checks, unknown] = point;
    const out = received
      ? [["median", `${milliseconds(p50)}${nbsp}ms`], ["p5–p95", `${milliseconds(p5)}–${milliseconds(p95)}`], ["p25–p75", `${milliseconds(p25)}–${milliseconds(p75)}`]]
      : [["no reply"]];
    out.push(["loss", `${percent(sent, received)}${nbsp}%`, `(${grouped(sent - received)} of ${grouped(sent)})`, received < sent ? "lossy" : ""]);
    if (this.step) out.push([`${grouped(checks)}${nbsp}${checks === 1 ? "check" : "checks"}`]);
    if (unknown) out.push([`${grouped(unknown)} not measured`]);
    return out;
  }

  /** svg is the one of the three that is seen. */
  svg() { return [...this.el.querySelectorAll("svg.smoke")].find((s) => s.getBoundingClientRect().width > 0); }

  /** frame is where the plot is, in units of the picture. */
  frame() {
    const svg = this.svg();
    if (!svg) return null;
    const [left, right, top, floor, bottom] = svg.dataset.frame.split(" ").map(Number);
    const box = svg.getBoundingClientRect();
    return { svg, left, right, top, floor, bottom, scale: svg.viewBox.baseVal.width / box.width, offset: box.left };
  }

  x(f, ms) { return f.left + (f.right - f.left) * Math.min(1, Math.max(0, (ms - this.from) / (this.to - this.from))); }

  timeAt(f, clientX) {
    const share = ((clientX - f.offset) * f.scale - f.left) / (f.right - f.left);
    return this.from + Math.min(1, Math.max(0, share)) * (this.to - this.from);
  }

  /** slotAt is the slot that holds the moment, or the one nearest to it. */
  slotAt(ms) {
    let best = -1, distance = Infinity;
    this.points.forEach(([start, length], i) => {
      const d = ms < start ? start - ms : ms > start + length ? ms - start - length : 0;
      if (d < distance) { best = i; distance = d; }
    });
    return best;
  }

  middle([start, length, ...rest]) { return this.step === 0 && rest.length ? start : start + length / 2; }

  show(i) {
    this.at = i;
    const point = this.points[i < 0 ? this.points.length - 1 : i];
    const line = this.el.closest(".chart-panel").querySelector("[data-readout]");
    const head = line.firstElementChild;
    head.querySelector("b").textContent = this.when(point);
    line.replaceChildren(head, ...this.figures(point).map(([word, value, after, cls]) => {
      const span = document.createElement("span");
      span.append(word);
      if (value) {
        const b = document.createElement("b");
        if (cls) b.className = cls;
        b.textContent = value;
        span.append(" ", b);
      }
      if (after) span.append(` ${after}`);
      return span;
    }));
    const now = i < 0 ? this.points.length - 1 : i;
    this.el.setAttribute("aria-valuenow", String(now));
    this.el.setAttribute("aria-valuetext", line.innerText.replace(/\s+/g, " "));
    this.draw();
  }

  draw() {
    this.el.querySelectorAll(".hair, .hair-dot").forEach((e) => e.remove());
    const f = this.at >= 0 && this.frame();
    if (!f) return;
    const point = this.points[this.at], x = this.x(f, this.middle(point)).toFixed(1);
    const hair = document.createElementNS(svgNS, "path");
    hair.setAttribute("class", "hair");
    hair.setAttribute("d", `M${x} ${f.top}V${f.bottom}`);
    f.svg.append(hair);
    if (!point[8]) return;
    const dot = document.createElementNS(svgNS, "circle");
    dot.setAttribute("class", "hair-dot");
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", (f.floor - (f.floor - f.top) * Math.min(1, point[4] / this.top)).toFixed(1));
    dot.setAttribute("r", "3.5");
    f.svg.append(dot);
  }

  /** zoom draws what is being dragged, or takes it away. */
  zoom(a, b) {
    this.el.querySelectorAll(".zoom").forEach((e) => e.remove());
    const f = a !== undefined && this.frame();
    if (!f) return;
    const box = document.createElementNS(svgNS, "rect");
    const x1 = this.x(f, Math.min(a, b)), x2 = this.x(f, Math.max(a, b));
    for (const [name, value] of Object.entries({ class: "zoom", x: x1, y: f.top, width: x2 - x1, height: f.bottom - f.top })) box.setAttribute(name, value);
    f.svg.append(box);
  }
}

const charts = new WeakMap();
function chartOf(el) {
  if (!charts.has(el)) charts.set(el, new Chart(el));
  return charts.get(el);
}

/** settle makes a chart that has just come into the page one that can be read by keyboard. */
function settle(el) {
  const chart = chartOf(el);
  el.tabIndex = 0;
  el.setAttribute("role", "slider");
  el.setAttribute("aria-valuemin", "0");
  el.setAttribute("aria-valuemax", String(chart.points.length - 1));
  el.setAttribute("aria-label", el.querySelector("svg.smoke").getAttribute("aria-label"));
  el.setAttribute("aria-valuenow", String(chart.points.length - 1));
  return chart;
}

const isoSeconds = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

export function startChart(htmx, otherZone) {
  const here = () => document.querySelector("[data-chart]");
  let held = null; // the moment under the cursor, over a new drawing
  let focused = false, drag = null, timer = 0, lastRead = Date.now();

  function load(url, push) {
    lastRead = Date.now();
    read(htmx, url, { target: "#chart", swap: "outerHTML", select: "#chart", ...(push ? { push: "true" } : {}) });
  }

  // The chart that was asked for last is the one that is shown, in whatever order the answers come: older ones are left out.
  // Nothing is aborted, which HTMX calls an error.
  let asked = null, waiting = false, again = false;
  const sent = new WeakMap(); // the number of each request
  let requests = 0;
  const address = () => location.pathname + location.search;
  function answer(e) {
    if (e.detail.xhr === asked) aim(e);
    else e.preventDefault();
  }
  function answered(e) {
    if (e.detail.xhr !== asked) return;
    waiting = false;
    if (again) sameAgain();
  }
  document.body.addEventListener("htmx:beforeRequest", (e) => {
    const { target, xhr, elt } = e.detail;
    sent.set(xhr, ++requests);
    if (target.id !== "chart") return;
    asked = xhr;
    waiting = true;
    elt.addEventListener("htmx:beforeOnLoad", answer); // not on body: an element that was replaced is not in it
    elt.addEventListener("htmx:afterRequest", answered);
  });
  document.body.addEventListener("htmx:historyRestore", () => { asked = null; waiting = again = false; });
  // What the stream reads again has a chart in it, too: that of the address, and the zone, of when it was asked for.
  document.body.addEventListener("htmx:beforeSwap", (e) => {
    const { target, xhr, requestConfig, pathInfo } = e.detail;
    if (requestConfig.verb !== "get" || !target.matches?.("[data-reread]") || !target.contains(document.getElementById("chart"))) return;
    if (pathInfo.requestPath === address() && !(sent.get(xhr) < sent.get(asked))) return;
    e.detail.shouldSwap = false;
    document.dispatchEvent(new Event("echolot:stale"));
  });

  /** sameAgain reads what the address says, after what was asked for has come: the address is that one's by then. */
  function sameAgain() {
    again = waiting;
    if (!waiting && document.getElementById("chart")) load(address());
  }

  /** follow reads the chart again for new checks, not more often than it can be looked at, and never under somebody's hands. */
  function follow() {
    if (timer) return;
    timer = setTimeout(function look() {
      timer = 0;
      if (!document.querySelector("#chart[data-follow]")) return;
      if (drag || waiting || document.hidden || document.querySelector("#chart details[open]")) { timer = setTimeout(look, 1000); return; }
      sameAgain();
    }, Math.max(0, lastRead + followEvery - Date.now()));
  }

  function began() {
    const el = here();
    if (!el) return;
    const chart = settle(el);
    if (held !== null && held >= chart.from && held <= chart.to) chart.show(chart.slotAt(held));
    else held = null;
    if (focused) el.focus({ preventScroll: true });
  }

  document.body.addEventListener("htmx:beforeSwap", () => { focused = Boolean(here()?.contains(document.activeElement)); });
  document.body.addEventListener("htmx:afterSettle", began);
  document.addEventListener("echolot:check", follow);
  document.addEventListener("echolot:zone", sameAgain);
  window.addEventListener("resize", () => { if (here()) chartOf(here()).draw(); });

  function choose(chart, i) {
    chart.show(i);
    held = i < 0 ? null : chart.middle(chart.points[i]);
  }

  document.addEventListener("pointermove", (e) => {
    const el = drag?.chart.el ?? e.target.closest?.("[data-chart]");
    if (!el) {
      const chart = here() && charts.get(here());
      if (chart?.at >= 0 && document.activeElement !== here()) choose(chart, -1);
      return;
    }
    const chart = chartOf(el), f = chart.frame();
    if (!f) return;
    const at = chart.timeAt(f, e.clientX);
    choose(chart, chart.slotAt(at));
    if (drag && Math.abs(e.clientX - drag.x) >= dragFrom) {
      drag.far = true;
      chart.zoom(drag.at, at);
    } else if (drag) chart.zoom();
  });
  document.addEventListener("pointerdown", (e) => {
    const el = e.target.closest?.("[data-chart]");
    const chart = el && chartOf(el), f = chart?.frame();
    if (!f || e.button) return;
    const at = chart.timeAt(f, e.clientX);
    choose(chart, chart.slotAt(at));
    drag = { chart, x: e.clientX, at, far: false };
  });
  document.addEventListener("pointerup", (e) => {
    if (!drag) return;
    const { chart, at, x } = drag;
    drag = null;
    chart.zoom();
    const f = chart.frame();
    if (!f || Math.abs(e.clientX - x) < dragFrom) return;
    const [a, b] = [at, chart.timeAt(f, e.clientX)].sort((p, q) => p - q);
    const middle = (a + b) / 2, half = Math.max((b - a) / 2, 30e3); // less than a minute shows nothing
    const url = new URL(location.href);
    url.searchParams.delete("range");
    url.searchParams.set("start", isoSeconds(middle - half));
    url.searchParams.set("end", isoSeconds(Math.min(middle + half, Date.now())));
    held = null;
    load(url.pathname + url.search, true);
  });
  document.addEventListener("pointercancel", () => { drag?.chart.zoom(); drag = null; });
  document.addEventListener("keydown", (e) => {
    const el = e.target.closest?.("[data-chart]");
    if (!el || e.metaKey || e.ctrlKey || e.altKey) return;
    const chart = chartOf(el), last = chart.points.length - 1, now = chart.at < 0 ? last : chart.at;
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, PageUp: now - 10, PageDown: now + 10, Home: 0, End: last }[e.key];
    if (to === undefined) {
      if (e.key === "Escape") choose(chart, -1);
      return;
    }
    e.preventDefault();
    choose(chart, Math.min(last, Math.max(0, to)));
  });
  document.addEventListener("click", (e) => {
    const save = e.target.closest?.("[data-save-png]");
    if (save) savePNG(save.dataset.savePng);
    if (e.target.closest?.("[data-zone-switch]")) otherZone();
  });
  began();
}

/** savePNG draws the chart's file on a canvas, twice as large as it is on the page, and hands it over. */
async function savePNG(url) {
  const theme = document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const picture = new Image();
  picture.src = `${url}&width=1184&theme=${theme}`;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * picture.naturalWidth;
  canvas.height = 2 * picture.naturalHeight;
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  const link = document.createElement("a");
  link.download = "echolot.png";
  link.href = canvas.toDataURL("image/png");
  link.click();
}
