// Times are drawn by the server in UTC, with the exact one in the title. Here they move on, and into the reader's zone.

let zone = "utc";
const pad = (n) => String(n).padStart(2, "0");
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const nbsp = "\u00a0";

/** span is the server's rule (views.Span): one or two units. */
export function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const n = (value, unit) => `${value}${nbsp}${unit}`;
  if (s < 60) return n(s, "s");
  if (s < 3600) return n(Math.floor(s / 60), "min");
  if (s < 86400) return `${n(Math.floor(s / 3600), "h")}${nbsp}${pad(Math.floor(s / 60) % 60)}${nbsp}min`;
  if (s < 30 * 86400) return `${n(Math.floor(s / 86400), "d")}${nbsp}${pad(Math.floor(s / 3600) % 24)}${nbsp}h`;
  return n(Math.floor(s / 86400), "d");
}

/** parts are the figures of a moment in the chosen zone. */
function parts(t) {
  return zone === "utc"
    ? { y: t.getUTCFullYear(), mo: t.getUTCMonth(), d: t.getUTCDate(), h: t.getUTCHours(), mi: t.getUTCMinutes(), s: t.getUTCSeconds() }
    : { y: t.getFullYear(), mo: t.getMonth(), d: t.getDate(), h: t.getHours(), mi: t.getMinutes(), s: t.getSeconds() };
}

function zoneName(t) {
  if (zone === "utc") return "UTC";
  const off = -t.getTimezoneOffset();
  return `UTC${off < 0 ? "−" : "+"}${pad(Math.floor(Math.abs(off) / 60))}:${pad(Math.abs(off) % 60)}`;
}

function clock(t, now) {
  const p = parts(t);
  if (now - t < 20 * 3600e3 && now - t > -3600e3) return `${pad(p.h)}:${pad(p.mi)}:${pad(p.s)}`;
  if (p.y === parts(now).y) return `${p.d} ${months[p.mo]}${nbsp}${pad(p.h)}:${pad(p.mi)}`;
  return `${p.d} ${months[p.mo]} ${p.y}`;
}

function moved(t, now) {
  const p = parts(t);
  return now - t >= 20 * 3600e3 && p.y === parts(now).y ? `${p.d} ${months[p.mo]}` : clock(t, now);
}

function told(t, now, rel) {
  switch (rel) {
    case "for": return `for ${span(now - t)}`;
    case "ago": return `${span(now - t)} ago`;
    case "span": return span(now - t);
    case "since": return `since ${moved(t, now)}`;
    case "day": { const p = parts(t); return `${p.d} ${months[p.mo]} ${p.y}`; }
    default: return clock(t, now);
  }
}

/** tell writes every time below a node anew. Text that stays the same is not touched, so that a selection survives. */
export function tell(node = document) {
  const now = new Date();
  for (const el of node.querySelectorAll("time[data-rel]")) {
    const t = new Date(el.dateTime);
    if (Number.isNaN(t.getTime())) continue;
    const text = told(t, now, el.dataset.rel);
    if (el.textContent !== text) el.textContent = text;
    const p = parts(t);
    const exact = `${p.y}-${pad(p.mo + 1)}-${pad(p.d)} ${pad(p.h)}:${pad(p.mi)}:${pad(p.s)} ${zoneName(t)}`;
    if (el.title !== exact) el.title = exact;
  }
}

/** keep tells the server of the zone, which draws charts in it. */
function keep() {
  const name = zone === "local" ? Intl.DateTimeFormat().resolvedOptions().timeZone : "";
  document.cookie = `tz=${encodeURIComponent(name || "")}; path=/; max-age=${name ? 31536000 : 0}; samesite=lax`;
}

/** startTimes returns what changes between UTC and the reader's zone. */
export function startTimes(store) {
  zone = store("zone") === "local" ? "local" : "utc";
  const show = () => document.querySelectorAll("[data-zone]").forEach((b) => {
    const on = b.dataset.zone === zone;
    b.setAttribute("aria-pressed", String(on));
    b.querySelector(".end").textContent = on ? "now" : "";
  });
  document.addEventListener("click", (e) => {
    const picked = e.target.closest("[data-zone]")?.dataset.zone;
    if (picked) pick(picked);
  });
  function pick(chosen) {
    zone = chosen;
    store("zone", chosen);
    keep();
    show();
    tell();
    document.dispatchEvent(new Event("echolot:zone"));
  }
  document.body.addEventListener("htmx:afterSettle", () => tell());
  if (zone === "local") keep(); // the reader may have travelled
  show();
  tell();
  setInterval(() => { if (!document.hidden) tell(); }, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) tell(); });
  return () => pick(zone === "utc" ? "local" : "utc");
}
