// The moments of a status page in the visitor's zone, where that differs from the page's and the visitor chose it. Days have no moment:
// they stay the page's, and so do the bars.

const language = document.documentElement.lang;
const choice = "echolot.status-zone";
const dot = language === "de" ? "." : ""; // of a day's number
const byId = (id) => document.getElementById(id);
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
let chosen = false, mine = false; // mine: what was chosen is shown

/** store remembers the choice; a browser that refuses storage forgets it with the page. */
function store(value) {
  try {
    if (value === undefined) return localStorage.getItem(choice);
    if (value) localStorage.setItem(choice, value);
    else localStorage.removeItem(choice);
  } catch { /* private windows */ }
  return null;
}

const formats = new Map();
/** parts are a moment's figures and words in a zone. */
function parts(t, zone) {
  if (!formats.has(zone)) {
    formats.set(zone, new Intl.DateTimeFormat(language, { timeZone: zone, weekday: "short", day: "numeric", month: "short", year: "numeric",
      hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short" }));
  }
  return Object.fromEntries(formats.get(zone).formatToParts(t).map((p) => [p.type, p.value]));
}
const dayOf = (p) => `${p.weekday.replace(".", "")} ${p.day}${dot} ${p.month}`;
const sameDay = (p, q) => p.day === q.day && p.month === q.month && p.year === q.year;

/** moment is the server's StatusPage.Moment: a clock time of the day, which is today unless another is given, and with its day where that is another one. */
function moment(t, zone, { seconds, day, dated } = {}) {
  const p = parts(t, zone), now = parts(new Date(), zone);
  const clock = `${p.hour}:${p.minute}${seconds ? `:${p.second}` : ""}`;
  if (!dated && sameDay(p, day || now)) return clock;
  return `${dayOf(p)}${p.year === now.year ? "" : ` ${p.year}`}, ${clock}`;
}

const pageZone = () => byId("status-foot")?.dataset.zone || "UTC";

/** known is what f returns, and empty for a zone that this browser does not know. */
function known(f) {
  try { return f(); } catch { return ""; }
}

/** exactly is a moment to the second, in the zone that is shown. */
export const exactly = (t) => known(() => moment(t, mine ? own : pageZone(), { seconds: true }));

/** dayBack is the day so many before today in the page's zone, as the server writes it. */
export const dayBack = (back) => known(() => {
  const today = new Intl.DateTimeFormat("en-CA", { timeZone: pageZone(), year: "numeric", month: "2-digit", day: "2-digit" }).format(new Date());
  return dayOf(parts(new Date(Date.parse(`${today}T12:00:00Z`) - back * 864e5), "UTC"));
});

/** differs tells whether the visitor's clock shows something else than the page's, in winter or in summer. */
const differs = () => Boolean(known(() => [0, 182].some((days) => {
  const t = new Date(Date.now() + days * 864e5), p = parts(t, own), q = parts(t, pageZone());
  return !sameDay(p, q) || p.hour !== q.hour || p.minute !== q.minute;
})));

function write(el) {
  const t = new Date(el.dateTime);
  if ("whole" in el.dataset) {
    const p = parts(t, own);
    return `${dayOf(p)} ${p.year}, ${p.hour}:${p.minute}:${p.second} ${p.timeZoneName}`;
  }
  const { from, on, dated } = el.dataset;
  return moment(t, own, { dated: dated !== undefined, day: from ? parts(new Date(from), own) : on && parts(new Date(`${on}T12:00:00Z`), "UTC") });
}

const drawn = new WeakMap(); // what the server wrote
/** tellTimes writes the page's moments, and its foot, in the chosen zone. It is called again whenever something of the page is new. */
export function tellTimes() {
  const pick = byId("status-zone-pick"), foot = byId("status-zone");
  if (!pick) return;
  pick.hidden = !differs();
  mine = chosen && !pick.hidden;
  for (const el of document.querySelectorAll('time[datetime*="T"], #status-zone, #status-zone-pick')) {
    if (el.closest("#status-live")) continue; // its own text says how long ago
    if (!drawn.has(el)) drawn.set(el, el.textContent);
    let text = drawn.get(el);
    if (mine) text = el === foot ? el.dataset.mine.replace("{}", own.replaceAll("_", " ")) : el === pick ? el.dataset.back : write(el);
    if (el.textContent !== text) el.textContent = text;
  }
  byId("status-days").hidden = !mine;
}

/** span is the server's StatusPage.Span, from a minute on. */
function span(ms) {
  const minutes = Math.floor(ms / 60e3), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  const n = (value, unit) => `${value}\u00a0${unit}`;
  const rest = (value, unit) => value ? `\u00a0${n(String(value).padStart(2, "0"), unit)}` : "";
  if (minutes < 1) return "";
  if (hours < 1) return n(minutes, "min");
  if (days < 1) return n(hours, "h") + rest(minutes % 60, "min");
  return n(days, byId("main").dataset.days) + (days < 30 ? rest(hours % 24, "h") : "");
}

/** tellLasting writes how long open incidents last. */
export function tellLasting(now) {
  for (const el of document.querySelectorAll("[data-since]")) {
    const lasts = span(now - Date.parse(el.dataset.since)), text = lasts && `, ${lasts}`;
    if (el.textContent !== text) el.textContent = text;
  }
}

/** startTimes shows what was chosen before, and lets it be chosen. changed is called after that. */
export function startTimes(changed) {
  chosen = store() === "mine";
  tellTimes();
  document.addEventListener("click", (e) => {
    if (!e.target.closest?.("#status-zone-pick")) return;
    chosen = !chosen;
    store(chosen ? "mine" : "");
    tellTimes();
    changed();
  });
}
