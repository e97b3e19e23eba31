package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// holdCharts keeps the answers to the page's requests for charts from it until letGo; held waits until there were n of them.
func (p *tab) holdCharts() {
	p.t.Helper()
	p.do(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{ResourceType: network.ResourceTypeXHR, RequestStage: fetch.RequestStageResponse}}})
		return err
	})
}

func (p *tab) held(n int) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%d answers with charts", n), func() (bool, string) {
		p.letOthersGo()
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.charts) >= n, fmt.Sprint(len(p.charts))
	})
}

// letOthersGo hands over what is no chart's, and tells how many there were.
func (p *tab) letOthersGo() int {
	p.t.Helper()
	p.mu.Lock()
	others := p.others
	p.others = nil
	p.mu.Unlock()
	for _, id := range others {
		p.carryOn(id)
	}
	return len(others)
}

// letGo hands the i-th answer over, from 0.
func (p *tab) letGo(i int) {
	p.t.Helper()
	p.mu.Lock()
	id := p.charts[i]
	p.mu.Unlock()
	p.carryOn(id)
}

func (p *tab) carryOn(id fetch.RequestID) {
	p.t.Helper()
	p.do(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: id})
		return err
	})
}

// paused notes an answer that waits.
func (p *tab) paused(e *fetch.EventRequestPaused) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Request.Headers["HX-Target"] == "chart" {
		p.charts = append(p.charts, e.RequestID)
	} else {
		p.others = append(p.others, e.RequestID)
	}
}

// testChartAnswers: of several charts that were asked for, the last one is shown, in whatever order the answers come.
func testChartAnswers(t *testing.T, b *browser) {
	server, by, p := signedIn(t, b)
	id := server.addMonitor(by.token, "Charted", "127.0.0.9", 3600) // the chart follows no further check
	server.waitState(by.token, id, "up")
	p.do(func(ctx context.Context, target *chromedp.Target) error { // another zone than UTC
		_, err := cdp.Call(ctx, target, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
		return err
	})
	p.goTo(server.url + "/monitors/" + id)
	p.caughtUp()
	p.mark()
	p.holdCharts()
	shown := func(word, name string) string {
		return fmt.Sprintf(`document.querySelector(".tabs [aria-current]")?.innerText === %q && location.search.includes("range=%s")`, word, name)
	}
	zone := func(name string) string {
		return fmt.Sprintf(`document.querySelector("#chart [data-chart]").dataset.zoneName === %q`, name)
	}
	const over = `!document.querySelector("body.htmx-request, body > .htmx-request")`

	p.click("[data-zone-switch]")
	p.held(1)
	p.click(`.tabs a[href*="range=hour"]`)
	p.held(2)
	p.letGo(0)
	eventually(t, "the older answer", func() (bool, string) {
		p.letOthersGo()
		return value[bool](p, over), "on its way"
	})
	p.letGo(1)
	p.until("the hour, whose answer came after an older one", shown("Hour", "hour")+" && "+zone("Asia/Tokyo"))

	value[bool](p, `(document.querySelector('.tabs a[href*="range=week"]').addEventListener("htmx:afterRequest", () => { window.answered = true }), true)`)
	p.click(`.tabs a[href*="range=week"]`)
	p.held(3)
	p.click(`.tabs a[href*="range=month"]`)
	p.held(4)
	p.letGo(3)
	p.until("the month", shown("Month", "month"))
	p.letGo(2)
	p.until("the older answer", "window.answered")
	if !value[bool](p, shown("Month", "month")) {
		t.Errorf("an older answer took the newer one's place: the address is %s", value[string](p, "location.href"))
	}

	p.click("[data-zone-switch]") // UTC
	p.held(5)
	p.click("[data-zone-switch]") // and back, before the answer
	p.letGo(4)
	p.held(6)
	p.until("the chart that was asked for first", zone("UTC"))
	p.letGo(5)
	p.until("the zone that was chosen last", zone("Asia/Tokyo"))

	// The page reads itself anew while a chart is on its way, which then replaces another one than it was meant to.
	p.click(`.tabs a[href*="range=week"]`)
	p.held(7)
	value[bool](p, `document.getElementById("monitor").old = document.dispatchEvent(new Event("echolot:stale"))`)
	eventually(t, "the page's own answer", func() (bool, string) { return p.letOthersGo() > 0, "none" })
	p.until("the page anew", `!document.getElementById("monitor").old`)
	p.letGo(6)
	p.until("the week, in a page that was read anew", shown("Week", "week"))
	if !p.marked() {
		t.Error("the page was loaded anew")
	}
}
