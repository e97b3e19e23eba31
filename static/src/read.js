// Reading a part of the page again, by HTMX. Each request has an element of its own to come from: HTMX has those of one element
// wait for each other, and forgets all but the last that waits.

/** aim has an answer go to where its target is now: what another answer has replaced meanwhile is not in the page any more. */
export function aim(e) { e.detail.target = document.getElementById(e.detail.target.id) ?? e.detail.target; }

export function read(htmx, url, how) {
  const source = document.createElement("span");
  source.hidden = true;
  source.addEventListener("htmx:beforeOnLoad", aim);
  document.body.append(source);
  const over = () => source.remove();
  return htmx.ajax("GET", url, { ...how, source }).then(over, over); // what went wrong is said by startErrors
}
