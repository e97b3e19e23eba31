package main

import (
	"testing"
)

// testLive measures a monitor live: chart and log fill by themselves, somebody outside looks on by a link, and it stops.
func testLive(t *testing.T, b *browser) {
	server, by, p := signedIn(t, b)
	id := server.addMonitor(by.token, "Live", "127.0.0.11", 3600)
	server.waitState(by.token, id, "up")
	p.goTo(server.url + "/monitors/" + id)
	p.caughtUp()
	p.until("the path", `document.querySelectorAll("[data-testid=path] [data-testid=hop]").length === 1`)
	p.inspect("path")
	p.size(1280, 900)
	p.leave(`.acts a[href$="/live"]`)
	p.fill("#f-rate", "10")
	p.fill("#f-minutes", "1")
	p.leave(`.token-form button[type=submit]`)
	p.until("twenty packets", `document.querySelectorAll("[data-live-log] .ok").length > 20`)
	p.until("the chart", `(() => {
		const canvas = document.querySelector("[data-live-chart] canvas");
		const want = getComputedStyle(document.documentElement).getPropertyValue("--quiet").trim().match(/\w\w/g).map((h) => parseInt(h, 16)).join();
		const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
		for (let i = 0; i < pixels.length; i += 4) if (pixels.slice(i, i + 3).join() === want) return true;
		return false;
	})()`)
	p.until("the sum", `/ received, 0.% loss/.test(document.getElementById("live-sum").innerText)`)
	p.inspect("live")
	p.size(1280, 900)
	p.click(`form[action$="/share"] [name=host]`)
	p.leave(`form[action$="/share"] button`)
	link := value[string](p, `document.querySelector("[data-testid=live-link]").value`)

	guest := b.open(t)
	guest.goTo(link)
	guest.until("packets from outside", `document.querySelectorAll("[data-live-log] .ok").length > 20 && document.querySelector("[data-live-log]").innerText.includes("from 127.0.0.11")`)
	if value[bool](guest, `/anna@|Organization/.test(document.documentElement.outerHTML)`) {
		t.Error("the page behind the link names who measures")
	}
	p.leave(`.acts button`)
	p.until("the form again", `document.querySelector("#f-rate") && document.getElementById("live-state").innerText.includes("stopped")`)
	p.until("the log, still", `document.querySelectorAll("[data-live-log] .ok").length > 20`)
	guest.until("the end from outside", `document.getElementById("live-state").innerText.includes("stopped")`)

	// With scripts off the same page reads itself again.
	still := b.open(t)
	still.scriptsOff()
	still.goTo(link)
	if n := value[int](still, `document.querySelectorAll("[data-live-log] li").length`); n < 20 {
		t.Errorf("with scripts off: got %d lines", n)
	}
}
