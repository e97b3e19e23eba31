// Echolot's status widget, version 2: one line that tells how a public status page is, on a page of somebody else's.
//   <script src="https://…/widget.js?v=2" integrity="…" crossorigin="anonymous" defer></script>
// data-lang="en|de" and data-theme="light|dark" are heeded: with a theme the line has a ground of its own, without it stands on the
// page's, in its colour. data-details lists what goes on and what is not up, and nothing that is to come. Pages that have this file
// name its hash: it is never edited, only followed by another version.
(function () {
  "use strict";
  var script = document.currentScript;
  if (!script || !script.src || !window.fetch) return;
  var url = new URL(script.src);
  url.pathname = url.pathname.replace(/\/widget\.js$/, "/api/v2/summary.json");
  url.search = script.dataset.lang ? "?lang=" + encodeURIComponent(script.dataset.lang) : "";

  var host = document.createElement("div");
  host.className = "echolot-status";
  host.hidden = true;
  script.after(host);
  var root = host.attachShadow({ mode: "open" });
  try { // no style element: the page around us may forbid them
    var sheet = new CSSStyleSheet();
    sheet.replaceSync(
      ":host{color-scheme:light dark;font:14px/1.5 system-ui,sans-serif}:host([hidden]){display:none}:host([data-theme]){padding:.4em .7em;border-radius:6px}" +
      ":host([data-theme=light]){color-scheme:light;color:#0f1f29;background:#fff}:host([data-theme=dark]){color-scheme:dark;color:#e4ecef;background:#111a1f}" +
      "a{color:inherit;text-decoration:none}a:hover,a:focus-visible{text-decoration:underline}a:focus-visible{outline:2px solid currentColor;outline-offset:2px}" +
      "i{display:inline-block;box-sizing:border-box;width:10px;height:10px;margin-inline-end:.5em;border-radius:50%;background:#73848f}" +
      ".none i{background:#12875f}.minor i{background:#bc7a00;border-radius:0}.major i,.critical i{background:#c9341f;border-radius:2px}.maintenance i{background:#8f4fa0;border-radius:0;transform:rotate(45deg) scale(.8)}" +
      ".unknown i{background:none;border:2px solid #73848f}ul{margin:.3em 0 0;padding-inline-start:1.7em}");
    root.adoptedStyleSheets = [sheet];
  } catch (e) { /* an old browser shows it unstyled */ }
  if (script.dataset.theme) host.dataset.theme = script.dataset.theme;
  var details = "details" in script.dataset, name = "", page = "";

  function add(parent, tag, text) {
    var e = document.createElement(tag);
    if (text) e.textContent = text;
    parent.append(e);
    return e;
  }

  function show(indicator, text, lines) {
    var box = document.createElement("div");
    box.className = indicator;
    box.setAttribute("role", "status");
    var link = add(box, "a");
    if (/^https?:/.test(page)) { link.href = page; link.target = "_blank"; link.rel = "noopener"; }
    add(link, "i").setAttribute("aria-hidden", "true");
    add(link, "span", text);
    if (lines.length) {
      var list = add(box, "ul");
      lines.forEach(function (line) { add(list, "li", line); });
    }
    if (root.firstElementChild && root.firstElementChild.outerHTML === box.outerHTML) return;
    root.replaceChildren(box);
    host.hidden = false;
  }

  function read() {
    if (document.hidden) return;
    fetch(url, { credentials: "omit" }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    }).then(function (told) {
      name = told.page.name; page = told.page.url;
      var lines = [];
      if (details) {
        told.incidents.concat(told.scheduled_maintenances).forEach(function (i) { if (i.status !== "scheduled") lines.push(i.name); });
        told.components.forEach(function (c) { if (!c.group && c.status !== "operational" && c.status !== "unknown") lines.push(c.name); });
      }
      show(told.status.indicator, name + ": " + told.status.description, lines.slice(0, 8));
    }).catch(function () {
      if (name) show("unknown", name, []); // what was told a minute ago may be true no more
    });
  }

  read();
  setInterval(read, 55000 + Math.random() * 10000);
  document.addEventListener("visibilitychange", read);
})();
