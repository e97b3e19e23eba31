// Keys: / search, n new, j and k move, c check now, e edit. Enter opens, since moving puts the focus on the name.

const rows = () => [...document.querySelectorAll("#rows > tr")];
const typing = (el) => el.closest?.("input, select, textarea, [contenteditable]");

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
  const name = all[next].querySelector("a.name");
  name?.focus();
  name?.scrollIntoView({ block: "nearest" });
}

/** press does what the control with that key does: the one of the row in focus, else the page's own. */
function press(key) {
  const list = document.getElementById("rows");
  const scope = key === "n" || !list ? document : document.activeElement?.closest("#rows > tr");
  const control = scope?.querySelector(`[data-key="${key}"]`);
  control?.click();
  return Boolean(control);
}

export function startKeys() {
  document.addEventListener("keydown", (e) => {
    if (e.metaKey || e.ctrlKey || e.altKey || typing(e.target)) return;
    switch (e.key) {
      case "/": {
        const find = document.querySelector("[data-find]");
        if (!find) return;
        find.focus();
        find.select();
        break;
      }
      case "j": move(1); break;
      case "k": move(-1); break;
      case "n": case "c": case "e":
        if (!press(e.key)) return;
        break;
      default: return;
    }
    e.preventDefault();
  });
}
