// The preview beside a status page's settings follows what is typed; without this file its button does.

/** draw puts the page into a frame of its own: a new one, because an old one would remember each drawing as a step back. */
function draw(html) {
  const frame = document.querySelector("iframe[name=preview]");
  if (!frame) return;
  const next = frame.cloneNode();
  next.removeAttribute("src");
  next.srcdoc = html;
  frame.replaceWith(next);
}

export function startPreview() {
  let timer, asked;
  document.addEventListener("input", (e) => {
    const form = e.target.closest("form[data-preview]");
    if (!form) return;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      asked?.abort(); // the newest one wins
      asked = new AbortController();
      const body = new URLSearchParams(new FormData(form));
      body.delete("password");
      try {
        const answer = await fetch(form.dataset.preview, { method: "POST", body, signal: asked.signal });
        if (answer.ok) draw(await answer.text());
      } catch { /* the next change asks again */ }
    }, 400);
  });
}
