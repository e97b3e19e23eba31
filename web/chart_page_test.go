package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// testChart reads a chart by pointer and by keyboard, zooms by dragging, goes back, and sees it follow the checks.
func testChart(t *testing.T, b *browser) {
	server, by, p := signedIn(t, b)
	id := server.addMonitor(by.token, "Charted", "127.0.0.9", 1)
	server.waitState(by.token, id, "up")
	p.goTo(server.url + "/monitors/" + id + "?start=" + time.Now().Add(-3*time.Minute).UTC().Format(time.RFC3339)) // short enough for single checks
	p.caughtUp()
	p.until("a chart of some checks", `JSON.parse(document.querySelector("[data-chart]")?.dataset.points ?? "[]").length >= 3`)
	p.mark()
	readout := `document.querySelector("[data-readout]").innerText.replace(/\s+/g, " ")`
	newest := value[string](p, readout)
	if !strings.Contains(newest, "median") || !strings.Contains(newest, "loss 0 % (0 of") {
		t.Errorf("got readout %q", newest)
	}
	// By keyboard: the first slot is a gap or a check, the next one another.
	value[bool](p, `(document.querySelector("[data-chart]").focus(), true)`)
	p.must(chromedp.KeyEvent(kb.Home))
	p.until("the cursor at the first slot", `document.querySelector("[data-chart]").getAttribute("aria-valuenow") === "0" && document.querySelectorAll("[data-chart] .hair").length === 1`)
	first := value[string](p, readout)
	p.must(chromedp.KeyEvent(kb.ArrowRight))
	p.until("another slot", `document.querySelector("[data-chart]").getAttribute("aria-valuenow") === "1" && `+readout+fmt.Sprintf(` !== %q`, first))
	if got := value[string](p, `document.querySelector("[data-chart]").getAttribute("aria-valuetext")`); got == "" {
		t.Error("got no text for the value under the cursor")
	}
	// It follows.
	points := value[int](p, `JSON.parse(document.querySelector("[data-chart]").dataset.points).length`)
	p.until("more checks in the chart", fmt.Sprintf(`JSON.parse(document.querySelector("[data-chart]").dataset.points).length > %d`, points))
	if !p.marked() {
		t.Error("the page was loaded anew")
	}
	// Dragging zooms and the address says so.
	p.drag("[data-chart] svg.w-1184", 0.9, 0.99)
	p.until("the dragged range", `/start=.*&end=/.test(location.search) && !document.querySelector(".tabs [aria-current]")`)
	if !p.marked() {
		t.Error("the page was loaded anew by dragging")
	}
	// Of a range that stands still the script says what the server said. Then in the browser's own zone, and back.
	p.goTo(value[string](p, "location.href"))
	p.caughtUp()
	drawn := value[string](p, readout)
	value[bool](p, `(document.querySelector("[data-chart]").focus(), true)`)
	p.must(chromedp.KeyEvent(kb.End))
	p.until("the cursor at the last slot", `document.querySelectorAll("[data-chart] .hair").length === 1`)
	if got := value[string](p, readout); got != drawn {
		t.Errorf("the script says %q of the newest checks, the server %q", got, drawn)
	}
	p.click("[data-zone-switch]")
	p.until("the zone's cookie", `document.cookie.includes("tz=")`)
	p.click("[data-zone-switch]")
	p.until("no cookie", `!document.cookie.includes("tz=")`)
	p.until("an answer", `!document.querySelector(".htmx-request")`)
	p.click(`.tabs a[href*="range=day"]`)
	p.until("a day", `location.search.includes("range=day") && document.querySelector(".tabs [aria-current]")?.innerText === "Day"`)
	p.click(`.chart-steps a[rel=prev]`)
	p.until("the day before", `location.search.includes("end=") && document.querySelector(".chart-steps a[rel=next]")`)
	p.click(".chart-table summary")
	p.until("the table", `document.querySelector(".chart-table").open`)
	// The file shows by itself.
	value[bool](p, `(() => { const i = new Image(); i.onload = () => { window.wide = i.naturalWidth }; i.src = document.querySelector("[data-save-png]").dataset.savePng; return true })()`)
	p.until("the chart as a picture", `window.wide === 1184`)
}

// testWall goes over the wall by keyboard and opens a monitor.
func testWall(t *testing.T, b *browser) {
	server, by, p := signedIn(t, b)
	var ids []string
	for i := range 7 {
		ids = append(ids, server.addMonitor(by.token, fmt.Sprintf("Line %d", i), fmt.Sprintf("127.0.1.%d", i+1), 60))
	}
	server.waitState(by.token, ids[6], "up")
	p.leave(`nav a[href="/wall"]`)
	line := `document.querySelector("[data-wall-line]").innerText`
	const focused = `((wall) => { wall.focus(); return document.activeElement === wall; })(document.querySelector("[data-wall-groups]"))`
	p.press("w")                  // nothing is in trouble
	p.until("the focus", focused) // else the keys scroll the page
	p.must(chromedp.KeyEvent(kb.ArrowDown))
	p.until("the first line", line+`.includes("Line 0") && document.querySelectorAll(".w-cursor").length === 1`)
	p.must(chromedp.KeyEvent(kb.ArrowDown))
	p.until("the line below", line+`.includes("Line 3")`)
	p.must(chromedp.KeyEvent(kb.ArrowRight))
	p.until("the line beside", line+`.includes("Line 4") && `+line+`.includes("127.0.1.5")`)
	p.click("svg.strips")
	p.until("the monitor's page", `location.pathname.startsWith("/monitors/")`)
	p.goTo(server.url + "/wall")
	p.until("the focus", focused) // else the keys scroll the page
	p.must(chromedp.KeyEvent(kb.ArrowDown))
	p.until("the first line", line+`.includes("Line 0")`)
	p.must(chromedp.KeyEvent(kb.Enter))
	p.until("its page", `location.pathname === "/monitors/`+ids[0]+`"`)
}

// drag draws the mouse over an element, from one share of its width to another.
func (p *tab) drag(selector string, from, to float64) {
	p.t.Helper()
	box := value[struct{ X, Y, Width, Height float64 }](p, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getBoundingClientRect();
		return {X: r.x, Y: r.y, Width: r.width, Height: r.height};
	})()`, selector))
	y := box.Y + box.Height/2
	p.must(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, box.X+from*box.Width, y, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box.X+(from+to)/2*box.Width, y, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, box.X+to*box.Width, y, chromedp.ButtonLeft))
}
