// The wall is drawn by the server and read again four times a minute. Here is its cursor: pointer or, where it has the focus,
// arrow keys choose a line, whose words stand in the line above; Enter or a click opens it.
import { span } from "./times.js";

const readEvery = 15e3;
const abreast = 3, pitch = 5, minutes = 60, apart = 6; // the server's measures (views/wall.go)
const pageSize = 300;
const svgNS = "http://www.w3.org/2000/svg";

export function startWall(htmx) {
  if (!document.querySelector("[data-wall]")) return;
  let at = null; // {id: customer, i: place}
  let words = new Map();
  let focused = false;

  const onWall = () => Boolean(document.activeElement?.closest?.("[data-wall-groups]"));
  const groups = () => [...document.querySelectorAll("svg[data-strips]")].filter((s) => s.getBoundingClientRect().width > 0);
  const groupOf = (id) => groups().find((s) => s.dataset.strips === id);
  const size = (svg) => Number(svg.dataset.lines);
  const troubled = (svg) => (svg.dataset.trouble ?? "").split(" ").filter(Boolean).map(Number);

  /** text asks for the words of a line; those around it come along. */
  async function text({ id, i }) {
    const page = Math.floor(i / pageSize) + 1, key = `${id} ${page}`;
    if (!words.has(key)) {
      words.set(key, fetch(`/wall/lines?customerId=${encodeURIComponent(id)}&page=${page}`).then((r) => (r.ok ? r.json() : []), () => []));
    }
    return (await words.get(key))[i % pageSize];
  }

  function element(tag, cls, content) {
    const e = document.createElement(tag);
    if (cls) e.className = cls;
    e.append(content);
    return e;
  }

  async function tell() {
    const mine = at, line = document.querySelector("[data-wall-line]");
    if (!mine || !line) return;
    const said = await text(mine);
    if (mine !== at || !said) return;
    const state = document.createElement("span");
    state.className = `state ${said.kind}`;
    const shape = document.createElementNS(svgNS, "svg"), use = document.createElementNS(svgNS, "use");
    shape.setAttribute("class", "st");
    shape.setAttribute("viewBox", "0 0 16 16");
    shape.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `#s-${said.kind}`);
    shape.append(use);
    state.append(shape, said.word);
    const link = element("a", "name", said.name);
    link.href = `/monitors/${encodeURIComponent(said.id)}`;
    const customer = groupOf(mine.id)?.closest("section").querySelector("h3 a")?.textContent ?? "";
    const since = said.since ? `for ${span(Date.now() - said.since)}` : "";
    line.replaceChildren(state, link, element("span", "mono dim", said.host), element("span", "dim", customer), element("span", "", [since, said.why].filter(Boolean).join(": ")));
  }

  function draw() {
    document.querySelectorAll(".w-cursor").forEach((e) => e.remove());
    const svg = at && groupOf(at.id);
    if (!svg) return;
    const box = document.createElementNS(svgNS, "rect");
    const x = (at.i % abreast) * (minutes + apart) - 1.5, y = Math.floor(at.i / abreast) * pitch - 1.5;
    for (const [name, value] of Object.entries({ class: "w-cursor", x, y, width: minutes + 3, height: 7, rx: 1.5 })) box.setAttribute(name, value);
    svg.append(box);
  }

  function choose(id, i, scroll) {
    if (at?.id === id && at.i === i) return;
    at = { id, i };
    draw();
    tell();
    if (scroll) document.querySelector(".w-cursor")?.scrollIntoView({ block: "nearest" });
  }

  async function open() {
    const said = at && await text(at);
    if (said) location.assign(`/monitors/${encodeURIComponent(said.id)}`);
  }

  /** move goes by lines; beyond a group's end it goes on in the next one. */
  function move(by) {
    const all = groups();
    if (!all.length) return;
    let g = all.findIndex((s) => s.dataset.strips === at?.id);
    if (g < 0) { choose(all[0].dataset.strips, 0, true); return; }
    let i = at.i + by;
    if (i < 0) {
      if (g === 0) return;
      i = size(all[--g]) - 1;
    } else if (i >= size(all[g])) {
      if (g === all.length - 1) return;
      g++;
      i = 0;
    }
    choose(all[g].dataset.strips, i, true);
  }

  function nextTrouble() {
    const all = groups().flatMap((s) => troubled(s).map((i) => ({ id: s.dataset.strips, i })));
    if (!all.length) return;
    const order = groups().map((s) => s.dataset.strips);
    const later = at && all.find((t) => order.indexOf(t.id) > order.indexOf(at.id) || t.id === at.id && t.i > at.i);
    const next = later || all[0];
    document.querySelector("[data-wall-groups]")?.focus({ preventScroll: true }); // the arrow keys go on from there
    choose(next.id, next.i, true);
  }

  function lineAt(e) {
    const svg = e.target.closest?.("svg[data-strips]");
    if (!svg) return null;
    const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
    const column = Math.min(abreast - 1, Math.floor((e.clientX - box.left) / box.width * view.width / (minutes + apart)));
    const row = Math.floor((e.clientY - box.top) / box.height * view.height / pitch);
    const i = row * abreast + column;
    return i >= 0 && i < size(svg) ? { id: svg.dataset.strips, i } : null;
  }

  function settle() {
    const wall = document.querySelector("[data-wall-groups]");
    if (!wall) return;
    wall.tabIndex = 0;
    wall.setAttribute("role", "group");
    wall.setAttribute("aria-label", "All monitors. Arrow keys move, Enter opens, w goes to the next in trouble.");
    if (focused) wall.focus({ preventScroll: true });
    draw();
    tell();
  }

  document.addEventListener("pointermove", (e) => { const line = lineAt(e); if (line) choose(line.id, line.i); });
  document.addEventListener("click", (e) => {
    const line = lineAt(e);
    if (line) { choose(line.id, line.i); open(); }
    if (e.target.closest?.("[data-full-screen]")) fullScreen();
  });
  document.addEventListener("keydown", (e) => {
    if (e.metaKey || e.ctrlKey || e.altKey || e.target.closest?.("input, select, textarea, summary, button, a")) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -abreast, ArrowDown: abreast }[e.key];
    if (step && !onWall()) return; // the page scrolls
    if (step) move(step);
    else if (e.key === "Enter" && at) open();
    else if (e.key === "w") nextTrouble();
    else if (e.key === "f") fullScreen();
    else return;
    e.preventDefault();
  });

  function fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.getElementById("wall").requestFullscreen?.();
  }

  document.body.addEventListener("htmx:beforeSwap", () => { focused = onWall(); });
  document.body.addEventListener("htmx:afterSettle", settle);
  setInterval(() => {
    if (document.hidden) return;
    words = new Map();
    // The whole screen is an element: its content is swapped, not itself.
    htmx.ajax("GET", location.pathname + location.search, { target: "#wall", swap: "innerHTML", select: "#wall > *" });
  }, readEvery);
  settle();
}
