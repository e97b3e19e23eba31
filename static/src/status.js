// A status page as visitors see it: its stream's parts take the place of the old ones, the age of the newest check goes on, and a day
// of a bar is read out where it is pointed at. Without it the page is complete, and reads itself again every half minute.
import { dayBack, exactly, startTimes, tellLasting, tellTimes } from "./status_times.js";

(() => {
  const main = document.getElementById("main");
  const retryFirst = 2000, retryMost = 60e3;

  // ---- How old is the newest check?
  let measured = NaN, lost = false;
  // The server's clock and the visitor's differ: by skew, once the stream said what the server's is.
  let skew = NaN;
  const now = () => Date.now() - (skew || 0);
  const live = () => document.getElementById("status-live");
  const ago = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 60) return `${s}\u00a0s`;
    if (s < 3600) return `${Math.floor(s / 60)}\u00a0min`;
    return `${Math.floor(s / 3600)}\u00a0h`;
  };
  /** title has the tab tell how all is, as far as we know. */
  function title(sign) {
    const head = lost ? sign.dataset.lost : document.querySelector("#status-banner h1")?.textContent.trim().replace(/\s+/g, " ");
    const name = document.querySelector("#status-head .brand")?.textContent.trim(), text = `${head} · ${name}`;
    if (document.title !== text) document.title = text;
  }
  function show() {
    const sign = live();
    if (!sign) return;
    title(sign);
    sign.classList.toggle("lost", lost);
    sign.classList.toggle("on", !lost && !isNaN(measured));
    const word = lost ? sign.dataset.lost : sign.dataset.measured;
    const b = sign.querySelector("b"), time = sign.querySelector("time");
    if (isNaN(measured)) {
      if (lost) b.textContent = word;
      return;
    }
    if (b.textContent !== word) b.textContent = word;
    const age = now() - measured, at = new Date(measured), exact = exactly(at);
    time.dateTime = at.toISOString();
    if (time.title !== exact) time.title = exact;
    const text = age < 1000 ? sign.dataset.now : sign.dataset.ago.replace("{}", ago(age));
    time.textContent = lost ? `${sign.dataset.measured} ${text}` : text;
  }
  function measuredAt(text) {
    const at = Date.parse(text);
    if (isNaN(at) || at <= measured) return;
    measured = Math.min(at, now());
    const sign = live();
    sign?.classList.remove("beat");
    void sign?.offsetWidth; // the ring pings again only if the class was seen gone
    sign?.classList.add("beat");
    show();
  }
  const readMeasured = () => { measured = Date.parse(live()?.querySelector("time").dateTime); show(); };

  // ---- Parts
  /** fragment reads HTML without letting anything in it run or load. */
  function fragment(html) {
    const t = document.createElement("template");
    t.innerHTML = html;
    return t.content;
  }
  function replaceParts(html) {
    for (const part of [...fragment(html).children]) {
      const old = part.id && document.getElementById(part.id);
      if (old) old.replaceWith(part);
    }
    renewed();
  }
  /** renewed is called when something new stands on the page. */
  function renewed() {
    tellTimes();
    lasting();
  }
  /** lasting counts on how long incidents last, as long as we would hear of their end. */
  function lasting() {
    if (!lost && !isNaN(skew) && document.getElementById("status-stale")?.hidden) tellLasting(now());
  }
  /** reread takes over the whole page as it is now: something came, went or moved. The stream goes on meanwhile, whatever comes of it. */
  let rereading = false, rereadWait = retryFirst;
  async function reread(wait) {
    if (rereading) return;
    rereading = true;
    let read = false;
    try {
      await new Promise((done) => setTimeout(done, wait));
      const answer = await ask("GET");
      if (refuses(answer)) { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("main");
      if (!fresh?.dataset.version) { location.reload(); return; }
      document.title = page.title;
      Object.assign(main.dataset, fresh.dataset);
      main.replaceChildren(...fresh.childNodes);
      for (const id of ["status-theme", "status-head", "status-foot"]) {
        const old = document.getElementById(id), part = page.getElementById(id);
        if (part?.outerHTML === old?.outerHTML) continue;
        if (!part) old.remove();
        else if (old) old.replaceWith(part);
        else document.head.append(part); // the theme alone comes and goes
      }
      readMeasured();
      renewed();
      read = true;
      rereadWait = retryFirst;
    } catch { /* no server, or trouble of its own */ } finally { rereading = false; }
    if (read) return;
    const next = rereadWait * (0.5 + Math.random());
    rereadWait = Math.min(retryMost, rereadWait * 2);
    reread(next);
  }
  const ask = (method) => fetch(location.href, { method, headers: { Accept: "text/html" }, redirect: "manual", cache: "no-cache" });
  /** refuses tells whether the page is not for this visitor any more: it wants a password, or is gone or elsewhere. Trouble of the server's is none of that. */
  const refuses = (answer) => answer.type === "opaqueredirect" || [401, 403, 404].includes(answer.status);
  /** admitted has the browser show what there is instead of the page, where it is not for this visitor any more. */
  async function admitted() {
    try {
      if (refuses(await ask("HEAD"))) location.reload();
    } catch { /* no answer: we stay */ }
  }

  // ---- Stream
  let source = null, retry = retryFirst, timer = 0, quiet = 0, version = main?.dataset.version ?? "";
  function alive(e) {
    lost = false;
    retry = retryFirst;
    if (e?.lastEventId) version = e.lastEventId;
    clearTimeout(quiet);
    quiet = setTimeout(again, (Number(main.dataset.quiet) || 120) * 1000);
    show();
  }
  function again() {
    source?.close();
    source = null;
    lost = true;
    show();
    clearTimeout(timer);
    timer = setTimeout(open, retry * (0.5 + Math.random()));
    retry = Math.min(retryMost, retry * 2);
  }
  function open() {
    clearTimeout(timer);
    source?.close();
    const url = new URL(main.dataset.stream, location.href);
    url.searchParams.set("v", version);
    const mine = source = new EventSource(url);
    const on = (type, act) => mine.addEventListener(type, (e) => { if (mine === source) { alive(e); act(e.data); } });
    on("sync", (data) => { if (data !== main.dataset.version) reread(Math.random() * 2000); });
    on("parts", (html) => { replaceParts(html); main.dataset.version = version; });
    on("measured", measuredAt);
    on("clock", (text) => {
      skew = Date.now() - Date.parse(text);
      if (Math.abs(skew) < 30e3) skew = 0; // the way here takes time, too
      renewed();
    });
    mine.onopen = () => { if (mine === source) alive(); };
    // The browser comes back by itself, after the time that the server named; where it gives up, we do.
    mine.onerror = () => {
      if (mine !== source) return;
      if (mine.readyState === EventSource.CLOSED) { // the answer was no stream
        again();
        admitted();
        return;
      }
      lost = true;
      show();
    };
  }

  // ---- A day of a bar
  function readOut(bar, x) {
    const box = bar.getBoundingClientRect(), days = 90;
    const day = Math.min(days - 1, Math.max(0, Math.floor((x - box.left) / box.width * days)));
    const told = bar.parentElement.querySelector(`[data-day="${day}"]`);
    const line = bar.parentElement.querySelector(".svc-foot :nth-child(2)");
    if (!line) return;
    if (!calmWords.has(line)) calmWords.set(line, [...line.childNodes]);
    line.replaceChildren(told ? told.textContent : dayBack(days - 1 - day));
  }
  const calmWords = new WeakMap();
  const calm = (bar) => {
    const line = bar.parentElement.querySelector(".svc-foot :nth-child(2)");
    if (calmWords.has(line)) line.replaceChildren(...calmWords.get(line));
    calmWords.delete(line);
  };
  main?.addEventListener("pointermove", (e) => { const bar = e.target.closest?.(".days"); if (bar) readOut(bar, e.clientX); });
  main?.addEventListener("pointerout", (e) => { const bar = e.target.closest?.(".days"); if (bar && !bar.contains(e.relatedTarget)) calm(bar); });

  // ---- Menu
  document.addEventListener("keydown", (e) => { if (e.key === "Escape") document.querySelectorAll("details.menu[open]").forEach((d) => { d.open = false; d.querySelector("summary").focus(); }); });
  document.addEventListener("click", (e) => { document.querySelectorAll("details.menu[open]").forEach((d) => { if (!d.contains(e.target)) d.open = false; }); });

  startTimes(show);
  let minute = 0;
  setInterval(() => { // at midnight a clock time gets its day
    const next = Math.floor(Date.now() / 60e3);
    if (next !== minute) tellTimes();
    minute = next;
  }, 1000);
  if (!main?.dataset.stream || !window.EventSource) return;
  readMeasured();
  setInterval(() => { show(); lasting(); }, 1000);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (e) => { if (e.persisted) open(); });
  open();
})();
