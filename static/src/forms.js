// The panel above the list, and the promise line at the foot of its form.

const nbsp = "\u00a0";

/** every is the server's rule (views.Every). */
function every(s) {
  if (s >= 3600 && s % 3600 === 0) return `${s / 3600}${nbsp}h`;
  if (s >= 60 && s % 60 === 0) return `${s / 60}${nbsp}min`;
  return `${s}${nbsp}s`;
}

function roughly(s) {
  if (s < 120) return `${Math.round(s)}${nbsp}s`;
  if (s < 7200) return `${Math.ceil(s / 60)}${nbsp}min`;
  return `${Math.round(s / 360) / 10}${nbsp}h`;
}

/** promise is the server's sum (MonitorForm.promise): null where a figure makes no sense. */
export function promise(value) {
  const figure = (name, standard) => {
    const typed = (value(name) ?? "").trim();
    return typed === "" ? standard : Number(typed);
  };
  const packets = figure("icmpConfig.count", 3), size = figure("icmpConfig.packetSize", 56);
  const interval = figure("checkIntervalSeconds", NaN), timeout = figure("timeoutSeconds", NaN);
  const confirmations = figure("icmpConfig.confirmations", 2), retry = figure("icmpConfig.retrySeconds", 5);
  const window = figure("icmpConfig.windowSeconds", 0);
  const degraded = [figure("icmpConfig.degradedLossPercent", 0), figure("icmpConfig.degradedLatencyMs", 0)];
  const failed = [figure("icmpConfig.failedLossPercent", 100), figure("icmpConfig.failedLatencyMs", 0)];
  const within = interval + timeout + (confirmations - 1) * (retry + timeout);
  const all = [packets, size, interval, timeout, confirmations, retry, window, ...degraded, ...failed];
  if (!all.every((n) => Number.isFinite(n) && n >= 0 && n <= 1e6) || packets < 1 || interval < 1 || confirmations < 1 || within > 1e7) return null;
  const many = (n, one, more) => `${Math.floor(n)}${nbsp}${n === 1 ? one : more}`;
  const words = [
    `${Math.floor(packets)}${nbsp}×${nbsp}${many(size, "byte", "bytes")}`, " every ", every(Math.floor(interval)),
    ". A silent host is called down after ", many(confirmations, "failed check", "failed checks"),
    ", at most ", roughly(within), " after it falls silent",
  ];
  const measure = value("icmpConfig.latencyMeasure") === "p95" ? "ms at the 95th percentile" : "ms on average";
  const limits = (what, loss, latency) => {
    const reached = [];
    if (loss > 0) reached.push(`${loss}${nbsp}% loss`);
    if (latency > 0) reached.push(`${latency}${nbsp}${measure}`);
    if (!reached.length) return;
    words[words.length - 1] += `. ${what} from `;
    words.push(reached[0]);
    if (reached[1]) words.push(" or ", reached[1]);
    if (window > 0) words.push(" over ", every(Math.floor(window)));
    words.push(" on");
  };
  limits("Degraded", ...degraded);
  limits("Down", failed[0] >= 100 ? 0 : failed[0], failed[1]); // all of them lost is a silent host
  words[words.length - 1] += ".";
  return words;
}

function drawPromise(form) {
  const line = form.querySelector("[data-promise-line]");
  const words = line && promise((name) => form.elements[name]?.value);
  if (!line) return;
  line.replaceChildren();
  (words || []).forEach((word, i) => {
    if (i % 2) { line.append(word); return; }
    const b = document.createElement("b");
    b.textContent = word;
    line.append(b);
  });
}

const panel = () => document.getElementById("panel");

/** settle keeps the button beside the panel true to it, and puts the cursor where the work is. */
function settle() {
  const p = panel();
  if (!p) return;
  const open = p.childElementCount > 0;
  document.querySelector("[data-open-panel]")?.setAttribute("aria-expanded", String(open));
  if (open) (p.querySelector("[aria-invalid]") || p.querySelector("[autofocus]"))?.focus();
}

let cameFrom = null;

export function close() {
  const p = panel();
  if (!p?.childElementCount) return false;
  p.replaceChildren();
  settle();
  if (cameFrom?.isConnected) cameFrom.focus();
  return true;
}

export function startForms(htmx) {
  document.addEventListener("click", (e) => {
    const link = e.target.closest("a[data-panel]");
    if (!link || !panel() || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    if (!panel().childElementCount) cameFrom = link.closest("tr")?.querySelector("a.name") || link;
    htmx.ajax("GET", link.getAttribute("href"), { target: "#panel", swap: "innerHTML" })
      .then(() => panel()?.firstElementChild?.scrollIntoView({ block: "nearest" }));
  });
  document.body.addEventListener("htmx:afterSettle", (e) => {
    if (e.detail.target?.id !== "panel") return;
    // htmx leaves the response's white space behind: a panel without an element is an empty one.
    if (!panel().childElementCount) { panel().replaceChildren(); cameFrom?.isConnected && cameFrom.focus(); }
    settle();
  });
  document.addEventListener("input", (e) => {
    const form = e.target.closest("form[data-promise]");
    if (!form) return;
    drawPromise(form);
    // The error was about what stood there before.
    if (e.target.getAttribute("aria-invalid")) e.target.removeAttribute("aria-invalid");
  });
  document.addEventListener("click", (e) => {
    if (e.target.closest("[data-close-panel]") && close()) e.preventDefault();
    const fill = e.target.closest("[data-fill]");
    if (fill) {
      const field = document.getElementById(fill.dataset.fill);
      field.value = fill.dataset.value;
      field.removeAttribute("aria-invalid");
      fill.closest(".err")?.remove();
      field.focus();
    }
  });
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape" && !document.querySelector("details.menu[open]") && panel()?.contains(e.target)) close();
  });
}
