// What the pages do beyond HTML and HTMX: live fragments, times in the reader's zone, keys, the panel, the promise line.
import htmx from "htmx.org";
import { startTimes } from "./times.js";
import { startStream } from "./stream.js";
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startChart } from "./chart.js";
import { startWall } from "./wall.js";
import { startPreview } from "./preview.js";

const root = document.documentElement;
root.classList.add("js");

/** store remembers a choice; a browser that refuses storage forgets it with the page. */
function store(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    localStorage.setItem(name, value);
  } catch { /* private windows */ }
  return null;
}

function startTheme() {
  const picks = () => document.querySelectorAll("[data-theme-pick]");
  const show = () => picks().forEach((b) => {
    const on = b.dataset.themePick === (root.dataset.theme || "auto");
    b.setAttribute("aria-pressed", String(on));
    b.querySelector(".end").textContent = on ? "now" : "";
  });
  document.addEventListener("click", (e) => {
    const pick = e.target.closest("[data-theme-pick]")?.dataset.themePick;
    if (!pick) return;
    // A cookie, not storage: the server draws the page in it from the first byte.
    const keep = pick === "auto" ? "max-age=0" : "max-age=31536000";
    document.cookie = `theme=${pick}; path=/; ${keep}; samesite=lax`;
    root.dataset.theme = pick === "auto" ? "" : pick;
    show();
  });
  show();
}

/** Menus are details elements: they work without this, but also close by Escape and by a click elsewhere. */
function startMenus() {
  const open = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (e) => open().forEach((d) => {
    if (!d.contains(e.target) || e.target.closest(".menu-list button, .menu-list a")) d.open = false;
  }));
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    open().forEach((d) => { d.open = false; d.querySelector("summary")?.focus(); });
  });
}

/** say writes one line under the bar. The text is set as text: it may come from people. */
export function say(text, bad = true) {
  const line = document.getElementById("flash");
  if (!line) return;
  line.replaceChildren();
  const p = document.createElement("p");
  p.className = bad ? "said-line is-error" : "said-line";
  p.textContent = text;
  line.append(p);
}

/** What HTMX could not do is said under the bar; the server's own words are used where it sent any. */
function startErrors() {
  document.body.addEventListener("htmx:configRequest", (e) => {
    // A form with several buttons goes where the one that was pressed says, as it does without scripts.
    const pressed = e.detail.triggeringEvent?.submitter;
    if (pressed?.hasAttribute("formaction")) e.detail.path = pressed.getAttribute("formaction");
    if (e.detail.verb !== "get") return;
    // Filters that are not set stay out of the address.
    for (const [name, value] of [...e.detail.formData.entries()]) if (value === "") e.detail.formData.delete(name);
  });
  document.body.addEventListener("htmx:responseError", (e) => {
    const { xhr } = e.detail;
    if (xhr.status === 401) { location.assign("/login"); return; }
    const sent = new DOMParser().parseFromString(xhr.responseText, "text/html").querySelector(".said-line span");
    say(sent?.textContent || `The server answered ${xhr.status}. Nothing was changed.`);
  });
  document.body.addEventListener("htmx:sendError", () => say("No connection to the server. Nothing was changed."));
  document.addEventListener("click", (e) => {
    if (e.target.closest("[data-dismiss]")) document.getElementById("flash")?.replaceChildren();
  });
}

function startCopy() {
  document.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    const word = button.querySelector("[data-copy-word]");
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      word.textContent = "Copied";
    } catch {
      // Without https there is no clipboard: the text is selected, the person's own keys do the rest.
      word.textContent = "Selected: copy it by Ctrl+C";
    }
  });
}

startTheme();
startMenus();
startErrors();
startCopy();
const otherZone = startTimes(store);
startForms(htmx);
startPreview();
startKeys();
startChart(htmx, otherZone);
startWall(htmx);
startStream(htmx);
