package main

import (
	"fmt"
	"testing"
)

// testScriptsOff is the way of testFirstStart without scripts, and what the menus do.
func testScriptsOff(t *testing.T, b *browser) {
	server := serve(t)
	p := b.open(t)
	p.expect(refused)
	p.scriptsOff()
	p.setUp(server.setup)
	p.until("the first page", `document.querySelector("[data-first]")`)
	p.leave(`[data-first] a[href="/monitors/new"]`)
	p.fill("#f-hostname", "127.0.0.1:80")
	p.leave("#monitor-form button[type=submit]")
	p.until("the errors beside the fields", `document.querySelector("#f-name[aria-invalid]") && document.querySelector("#f-hostname[aria-invalid]")?.value === "127.0.0.1:80"`)
	p.fill("#f-name", "This machine")
	p.fill("#f-hostname", "127.0.0.1")
	p.fill("#f-checkIntervalSeconds", "1")
	p.fill("#f-timeoutSeconds", "1")
	p.leave("#monitor-form button[type=submit]")
	p.until("the line about it", `document.querySelector("#flash").innerText.includes("Monitor added")`)
	reload := func(what, js string) {
		t.Helper()
		eventually(t, what, func() (bool, string) {
			p.goTo(server.url + "/monitors")
			ok, _ := evaluate[bool](p, "Boolean("+js+")")
			return ok, value[string](p, "document.body.innerText")
		})
	}
	reload("the row is up", `document.querySelector("[data-testid=monitor-row] .lv-state")?.innerText.startsWith("Up")`)
	rtt := `document.querySelector("[data-testid=rtt]")?.textContent`
	for range 2 {
		reload("another RTT", fmt.Sprintf(`(%s ?? %q) !== %q`, rtt, value[string](p, rtt), value[string](p, rtt)))
	}
	menu := func(selector, what, js string) {
		t.Helper()
		p.click("#rows summary")
		p.leave("#rows " + selector)
		p.until(what, js)
	}
	kind := func(word string) string {
		return fmt.Sprintf(`document.querySelector("[data-testid=monitor-row] .lv-state")?.innerText.startsWith(%q)`, word)
	}
	menu(`[formaction$="/pause"]`, "paused", kind("Paused"))
	menu(`[formaction$="/resume"]`, "resumed", `location.pathname === "/monitors" && !`+kind("Paused"))
	menu(`[formaction$="/maintenance"]`, "maintenance", kind("Maintenance"))
	menu(`[formaction$="/check"]`, "check on its way", `document.querySelector("#flash").innerText.includes("on its way")`)
	menu(`a[href$="/edit"]`, "the form", `document.querySelector("#f-name").value === "This machine"`)
	p.fill("#f-name", "That machine")
	p.leave("#monitor-form button[type=submit]")
	p.until("the new name", `document.querySelector("a.name").textContent === "That machine"`)
	menu("a.danger", "the question", `document.querySelector("[role=alertdialog]")`)
	p.leave(".btn-danger")
	p.until("it is gone", `document.querySelector("[data-first]")`)
	server.stop()
}
