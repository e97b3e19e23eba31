package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// inPreview is true while the preview's heading is the text.
func inPreview(text string) string {
	return fmt.Sprintf(`document.querySelector("iframe[name=preview]")?.contentDocument?.querySelector(".brand span")?.textContent === %q`, text)
}

// addStatusPage makes a status page of the first customer by the form.
func (p *tab) addStatusPage(server *program, name, slug string) string {
	p.t.Helper()
	p.goTo(server.url + "/status-pages")
	p.leave(`a[href="/status-pages/new"]`)
	p.fill("#f-name", name)
	p.fill("#f-slug", slug)
	p.leave(".promise button[type=submit]")
	p.until("its settings", `location.pathname.startsWith("/status-pages/") && document.querySelector("h1").textContent === `+fmt.Sprintf("%q", name))
	return value[string](p, "location.pathname")
}

// testStatusSettings makes a page, sees in the preview what is typed, lays it out and deletes it; every page of that is looked at
// in each width and colour.
func testStatusSettings(t *testing.T, b *browser) {
	server, by, p := signedIn(t, b)
	p.expect(refused)
	for name, host := range map[string]string{"Border router with a rather long name": "127.0.0.2", "Clinic Pirna, MPLS": "127.0.0.3"} {
		server.addMonitor(by.token, name, host, 3600)
	}
	p.look("no status pages", server.url+"/status-pages")
	p.look("new status page", server.url+"/status-pages/new")
	p.size(1280, 900)
	path := p.addStatusPage(server, "Elbtal Kliniken", "elbtal")
	p.until("the preview", inPreview("Elbtal Kliniken"))
	p.mark()
	steps := value[int](p, "history.length")
	p.fill("#f-name", "Elbtal Kliniken, Netz")
	p.until("the preview to follow", inPreview("Elbtal Kliniken, Netz"))
	for _, accent := range []string{"#aa00aa", "#aa0055"} {
		p.fill("#f-accent", accent)
		p.until("the preview in the colour that was typed", fmt.Sprintf(`document.querySelector("iframe[name=preview]")?.contentDocument?.querySelector("#status-theme")?.sheet?.cssRules[0]?.cssText.includes(%q)`, accent))
	}
	p.fill("#f-description", "Wir messen <b>alles</b>")
	if now := value[int](p, "history.length"); now != steps || !p.marked() {
		t.Errorf("got %d steps in the history after %d, want none more and the same page", now, steps)
	}
	p.fill("#f-slug", "x")
	p.click("form[data-preview] .btn-main")
	p.until("the error beside the address", `document.querySelector("#f-slug-e") && document.querySelector("#f-name").value === "Elbtal Kliniken, Netz"`)
	p.inspect("status page with an error")
	p.size(1280, 900)
	p.fill("#f-slug", "elbtal-netz")
	p.click("input[type=checkbox][name=isPublished]")
	p.leave("form[data-preview] .btn-main")
	p.until("the line about it", `document.querySelector("#flash").innerText.includes("Saved") && document.querySelector("h1").textContent === "Elbtal Kliniken, Netz"`)
	p.look("status page", server.url+path)
	p.size(1280, 900)
	p.goTo(server.url + path + "/layout")
	p.fill(`[name="position.1"]`, "1")
	p.fill(`[name="group.1"]`, "Clinics")
	p.press("\r")
	p.until("the layout to be saved", `document.querySelector("#flash").innerText.includes("Saved") && document.querySelector('[name="group.0"]').value === "Clinics"`)
	p.look("status layout", server.url+path+"/layout?monitors=none")
	p.look("status pages", server.url+"/status-pages")
	p.look("new link", server.url+path+"/link")
	p.look("delete status page", server.url+path+"/delete")
	var page struct {
		Description string
		Monitors    []struct{ GroupName string }
	}
	a := server.ask(by.token, "GET", "/api"+path, "")
	if a.status != 200 || json.Unmarshal([]byte(a.body), &page) != nil || page.Description != "Wir messen <b>alles</b>" || len(page.Monitors) != 1 || page.Monitors[0].GroupName != "Clinics" {
		t.Errorf("got %d %s, want what was typed", a.status, a.body)
	}
	p.leave(".btn-danger")
	p.until("it is gone", `location.pathname === "/status-pages" && document.querySelector(".nothing")`)
}

// testStatusSettingsScriptsOff does the same without scripts: the second button draws the preview, and nothing is saved by it.
func testStatusSettingsScriptsOff(t *testing.T, b *browser) {
	server, by, p := signedIn(t, b)
	server.addMonitor(by.token, "Line", "127.0.0.2", 3600)
	p.scriptsOff()
	path := p.addStatusPage(server, "Elbtal", "elbtal")
	p.until("the preview", inPreview("Elbtal"))
	p.fill("#f-name", "Tried")
	p.click(`button[formtarget="preview"]`)
	p.until("the preview of what was typed", inPreview("Tried"))
	if a := server.ask(by.token, "GET", "/api"+path, ""); !strings.Contains(a.body, `"name":"Elbtal"`) {
		t.Errorf("got %s, want nothing saved", a.body)
	}
	p.leave("form[data-preview] .btn-main")
	p.until("it is saved", `document.querySelector("h1").textContent === "Tried"`)
	p.leave(`.subnav a[href$="/layout"]`)
	p.click(`[name="show.0"]`)
	p.leave(".promise button[type=submit]")
	p.until("the monitor is hidden", `document.querySelector('[name="show.0"]')?.checked === false`)
}
