// The live stream: one EventSource a page. It is our own because a lost stream has to be told, tried again with jitter (after
// a restart all browsers would return in the same second), and caught up with by reading the page's live content again.
import { read } from "./read.js";
import { span, tell } from "./times.js";

const quietAfter = 25e3; // two pings and a half: the stream is dead even if the socket does not know
const retryFirst = 1000, retryMost = 30e3;
const pauseAfter = 5 * 60e3; // a hidden tab lets its connection go: browsers have six for each server
const rereadEvery = 10e3;

export function startStream(htmx) {
  const url = document.body.dataset.stream;
  const sign = document.getElementById("live");
  if (!url || !sign || !window.EventSource) return;
  const word = sign.querySelector("[data-live-word]"), age = sign.querySelector("[data-live-age]");

  let drawn = Number(document.body.dataset.drawn);
  let source = null, retry = retryFirst, timer = 0, hiddenTimer = 0;
  let heard = Date.now(), lostAt = 0, leaving = false, paused = false, signedOut = false;

  function beat() {
    const often = Date.now() - heard < 1000;
    heard = Date.now();
    if (often) return;
    sign.classList.remove("beat");
    void sign.offsetWidth; // the ring pings again only if the class was seen gone
    sign.classList.add("beat");
    show();
  }

  function show() {
    const alive = source?.readyState === EventSource.OPEN && !lostAt;
    sign.classList.toggle("lost", Boolean(lostAt));
    sign.classList.toggle("waiting", !lostAt && !alive);
    const text = signedOut ? "signed out" : lostAt ? "connection lost" : alive ? "live" : paused ? "paused" : "connecting";
    if (word.textContent !== text) word.textContent = text;
    const s = Math.floor((Date.now() - heard) / 1000);
    if (signedOut) age.textContent = " · reload to sign in";
    else if (lostAt) age.textContent = ` · ${span(Date.now() - lostAt)}, trying again`;
    else age.textContent = alive ? ` · ${s < 1 ? "now" : `${span(s * 1000)} ago`}` : "";
  }

  function lose() {
    source?.close();
    source = null;
    if (leaving || paused) return;
    lostAt ||= Date.now();
    // An EventSource does not tell why it failed. Signed out elsewhere, it would be tried for ever.
    fetch(url, { method: "HEAD", redirect: "manual" }).then((answer) => {
      if (answer.type !== "opaqueredirect") return;
      clearTimeout(timer);
      signedOut = leaving = true;
      show();
    }, () => { /* no server: the retry goes on */ });
    clearTimeout(timer);
    timer = setTimeout(open, retry * (0.5 + Math.random()));
    retry = Math.min(retryMost, retry * 2);
    show();
  }

  function open() {
    clearTimeout(timer);
    source?.close();
    const mine = source = new EventSource(url);
    const on = (type, act) => mine.addEventListener(type, (e) => {
      if (mine !== source) return;
      lostAt = 0;
      retry = retryFirst;
      beat();
      act?.(e.data);
    });
    mine.onopen = () => { if (mine === source) { heard = Date.now(); show(); } };
    mine.onerror = () => { if (mine === source) lose(); };
    on("ping");
    on("sync", (changedAt) => {
      // The first stream of a page opens moments after the page was read: nothing changed since, nothing to read again.
      const fresh = Date.parse(changedAt) < drawn;
      drawn = 0;
      if (fresh) caughtUp();
      else reread(0);
    });
    on("live", (html) => replaceLive(html));
    on("counters", (html) => counters(html));
    on("check", (html) => prependCheck(html));
    on("row.changed", (id) => rereadRow(id));
    // The answer to the reader's own form may still be on its way with that row.
    on("row.added", (id) => setTimeout(() => { if (!row(id)) announce(); }, 1000));
    on("row.removed", (id) => removed(id));
    on("incident", () => { if (document.querySelector("[data-incidents]")) reread(1000); });
    mine.addEventListener("bye", () => { if (mine === source) lose(); });
    show();
  }

  /** fragment reads HTML without letting anything in it run or load. */
  function fragment(html) {
    const t = document.createElement("template");
    t.innerHTML = html;
    return t.content;
  }

  function replaceLive(html) {
    for (const part of [...fragment(html).querySelectorAll("[data-live]")]) {
      const olds = document.querySelectorAll(`[data-live="${CSS.escape(part.dataset.live)}"]`);
      olds.forEach((old, i) => {
        const fresh = i === olds.length - 1 ? part : part.cloneNode(true);
        tell(fresh);
        old.replaceWith(fresh);
      });
    }
  }

  function counters(html) {
    const before = document.getElementById("counters")?.textContent;
    replaceLive(html);
    const now = document.getElementById("counters");
    if (!now) return;
    const state = new URLSearchParams(location.search).get("state");
    now.querySelectorAll("[data-state]").forEach((a) => {
      if (a.dataset.state === state) a.setAttribute("aria-current", "true");
    });
    // Where the order or the filter is by state, a row may now belong elsewhere.
    const order = document.querySelector("#monitors")?.dataset.order ?? "";
    if (before !== undefined && before !== now.textContent && (state || /^-?state$|^$/.test(order))) reread(rereadEvery);
  }

  function prependCheck(html) {
    const fresh = fragment(html).querySelector("tr[data-check]");
    if (!fresh) return;
    const body = document.querySelector(`[data-checks="${CSS.escape(fresh.dataset.monitor)}"]`);
    if (!body) return;
    tell(fresh);
    const same = body.querySelector(`[data-check="${CSS.escape(fresh.dataset.check)}"]`);
    if (same) same.replaceWith(fresh);
    else body.prepend(fresh);
    while (body.rows.length > Number(body.dataset.keep)) body.deleteRow(-1);
    document.querySelector("[data-no-checks]")?.remove();
    const jitter = fresh.dataset.jitter, fact = document.querySelector('[data-from="jitter"] span');
    if (fact) {
      fact.textContent = jitter || "–";
      fact.className = jitter ? "" : "still";
      fact.nextElementSibling?.toggleAttribute("hidden", !jitter);
    }
    document.dispatchEvent(new Event("echolot:check"));
  }

  const row = (id) => document.getElementById(`m-${id}`);

  function rereadRow(id) {
    const old = row(id);
    if (old && !busy(old)) read(htmx, `/monitors/${encodeURIComponent(id)}/row`, { target: old, swap: "outerHTML" });
    else if (old) reread(rereadEvery);
    else if (document.querySelector(`#monitor[data-monitor="${CSS.escape(id)}"]`)) reread(0);
    else if (document.querySelector(`#incident[data-of="${CSS.escape(id)}"]`)) reread(1000); // its path was traced
  }

  function removed(id) {
    row(id)?.remove();
    const page = document.querySelector(`#monitor[data-monitor="${CSS.escape(id)}"]`);
    if (page) {
      document.cookie = "flash=monitor.gone; path=/; max-age=20; samesite=lax"; // the list says why it is shown
      location.assign("/monitors");
    } else if (document.getElementById("rows")?.rows.length === 0) reread(0);
  }

  function announce() {
    // Nobody is at work on the first page of an empty house: just show the list.
    if (document.querySelector("[data-first]")) { location.reload(); return; }
    const note = document.querySelector("[data-changed]");
    if (note) note.hidden = false;
    else if (document.getElementById("monitors")) reread(0);
  }

  /** caughtUp marks a page that shows what the server knew when the stream began; tests wait for it. */
  const caughtUp = () => { document.documentElement.dataset.caughtUp = ""; };

  const busy = (el) => Boolean(el.querySelector("details.menu[open]"));
  const waiting = new Set();
  let lastReread = 0;

  /** reread reads the page's live content again, at most once in every so many milliseconds, and never under an open menu. */
  function reread(every) {
    for (const el of document.querySelectorAll("[data-reread]")) {
      if (waiting.has(el.id)) continue;
      waiting.add(el.id);
      const wait = Math.max(0, lastReread + every - Date.now()) + (every ? Math.random() * 2000 : 0);
      setTimeout(function look() {
        const now = document.getElementById(el.id);
        if (now && busy(now)) { setTimeout(look, 1000); return; }
        waiting.delete(el.id);
        lastReread = Date.now();
        if (now) read(htmx, location.pathname + location.search, { target: `#${el.id}`, swap: "outerHTML", select: `#${el.id}` }).then(caughtUp);
      }, wait);
    }
  }

  // A menu may have been opened while the answer was on its way.
  document.body.addEventListener("htmx:beforeSwap", (e) => {
    const { target, requestConfig } = e.detail;
    if (requestConfig.verb !== "get" || !target.matches?.("tr[data-monitor], [data-reread]") || !busy(target)) return;
    e.detail.shouldSwap = false;
    reread(rereadEvery);
  });

  document.addEventListener("echolot:stale", () => reread(0));
  document.addEventListener("click", (e) => { if (e.target.closest("[data-changed]")) reread(0); });

  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
      hiddenTimer = setTimeout(() => { paused = true; clearTimeout(timer); source?.close(); source = null; show(); }, pauseAfter);
    } else if (paused) {
      paused = false;
      open();
    }
  });
  // A page that is left does not lose its stream; one that comes back from the browser's cache has none.
  window.addEventListener("pagehide", () => { leaving = true; clearTimeout(timer); source?.close(); source = null; });
  window.addEventListener("pageshow", (e) => { if (e.persisted) { leaving = false; open(); } });
  window.addEventListener("online", () => { if (lostAt) open(); });

  setInterval(() => {
    if (source && !lostAt && Date.now() - heard > quietAfter) lose();
    else show();
  }, 1000);
  open();
}
