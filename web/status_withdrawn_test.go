package main

import (
	"encoding/json"
	"fmt"
	"testing"
)

// testStatusWithdrawn has visitors who look at pages while these are withdrawn: with another password the form shows, without a page that
// there is none. A server in trouble withdraws nothing: the page stays, and says that its connection is lost if it is; it asks ever more seldom.
func testStatusWithdrawn(t *testing.T, b *browser) {
	settings := []string{"ECHOLOT_DATA_DIR=" + t.TempDir()}
	by := admin(t, settings...)
	server := serve(t, settings...)
	ask := func(method, path, body string) string {
		t.Helper()
		a := server.ask(by.token, method, path, body)
		var got struct {
			PublicID string `json:"publicId"`
		}
		if err := json.Unmarshal([]byte(a.body), &got); a.status > 299 || err != nil {
			t.Fatalf("%s %s: got %d %s", method, path, a.status, a.body)
		}
		return "/api/status-pages/" + got.PublicID
	}
	monitor := server.addMonitor(by.token, "Router", "127.0.0.1", 3600)
	server.waitState(by.token, monitor, "up")
	locked := ask("POST", "/api/status-pages", `{"customerId":1,"name":"Locked","slug":"locked","visibility":"password","password":"open sesame 1","accent":"#aa1100","isPublished":true}`)
	public := ask("POST", "/api/status-pages", `{"customerId":1,"name":"Public","slug":"public","isPublished":true}`)
	const live = `document.querySelector("#status-live.on")`

	member := b.open(t)
	member.expect(`status of (401|404)`)
	member.goTo(server.url + "/status/locked?lang=en")
	member.inspect("status gate")
	member.scheme("light")
	if got := value[string](member, `document.querySelector(".brand").innerText + getComputedStyle(document.querySelector("button")).backgroundColor`); got != "Lockedrgb(170, 17, 0)" {
		t.Errorf("got %q, want the page's name and colour", got)
	}
	member.fill("#password", "open sesame 1")
	member.leave("form button")
	member.until("the page", live)
	reader, other := b.open(t), b.open(t)
	reader.expect(`status of 404`)
	reader.goTo(server.url + "/status/public?lang=en")
	reader.until("the page", live)
	reader.until("the tab's title", `document.title === "All services are up · Public"`)

	other.first(`window.EventSource = class { static CLOSED = 2; readyState = 2; constructor() { setTimeout(() => this.onerror()); } addEventListener() {} close() {} };
		window.answers = []; window.fetch = async () => { answers.push(503); if (answers.length > 1) throw new TypeError("away"); return new Response("", {status: 503}); }`)
	other.goTo(server.url + "/status/public?lang=en")
	other.mark()
	other.until("two questions", `answers.length > 1`)
	other.until("the lost connection", `document.querySelector("#status-live.lost b").textContent === "connection lost, trying again"`)
	other.until("it in the tab's title", `document.title === "connection lost, trying again · Public"`)
	if !other.marked() {
		t.Error("a server in trouble: the page was given up")
	}
	other.goTo("about:blank")

	ailing := b.open(t)
	ailing.first(`Math.random = () => 0.5; window.streams = 0; window.answers = [];
		window.EventSource = class { static CLOSED = 2; readyState = 1; on = {}; constructor() { streams++; setTimeout(() => { this.onopen(); this.on.sync({data: "newer"}); }); } addEventListener(type, act) { this.on[type] = act; } close() { streams++; } };
		window.fetch = async () => { answers.push(performance.now()); return new Response("", {status: 503}); }`)
	ailing.goTo(server.url + "/status/public?lang=en")
	ailing.until("three questions", `answers.length > 2`)
	if gaps := value[[2]float64](ailing, `[answers[1] - answers[0], answers[2] - answers[1]]`); gaps[0] < 1900 || gaps[1] < 3900 {
		t.Errorf("a page that can not be read anew: asked again after %v ms, want 2 s and 4 s", gaps)
	}
	if !value[bool](ailing, `streams === 1 && !!document.querySelector("#status-live.on")`) {
		t.Error("a page that can not be read anew: the stream, which is well, was given up")
	}
	ailing.goTo("about:blank")

	ask("PATCH", locked, `{"password":"open sesame 2"}`)
	ask("PATCH", public, `{"isPublished":false}`)
	for page, is := range map[*tab]string{member: "Password needed", reader: "Nothing here"} {
		page.until(is, fmt.Sprintf(`document.querySelector("h1")?.textContent === %q`, is))
		page.goTo("about:blank")
	}
	server.stop()
}
