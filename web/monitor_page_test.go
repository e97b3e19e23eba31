package main

import (
	"fmt"
	"testing"
)

// testMonitorPage looks at one monitor: its checks arrive by themselves, its actions come back to it.
func testMonitorPage(t *testing.T, b *browser) {
	server, by, p := signedIn(t, b)
	id := server.addMonitor(by.token, "Page", "127.0.0.9", 1)
	slow := server.addMonitor(by.token, "Slow", "127.0.0.10", 3600)
	server.waitState(by.token, id, "up")
	server.waitState(by.token, slow, "up")
	p.goTo(server.url + "/monitors")
	p.caughtUp()
	p.leave("#n-" + id)
	p.caughtUp()
	p.mark()
	p.movesTwice(`document.querySelector("[data-testid=rtt]")?.textContent`)
	p.movesTwice(`document.querySelector("[data-testid=check-row]")?.dataset.check`)
	p.click("[data-testid=check-row] details.packets summary")

	p.goTo(server.url + "/monitors/" + slow)
	p.caughtUp()
	p.mark()
	checks := value[int](p, `document.querySelectorAll("[data-testid=check-row]").length`)
	p.press("c")
	p.until("one more check", fmt.Sprintf(`document.querySelectorAll("[data-testid=check-row]").length === %d`, checks+1))
	p.click(".acts .btn-main")
	p.until("the button's request to be over", `!document.querySelector(".htmx-request")`)
	p.until("one more check by mouse", fmt.Sprintf(`document.querySelectorAll("[data-testid=check-row]").length === %d`, checks+2))
	if !p.marked() {
		t.Error("the page was loaded anew")
	}
	p.leave(`.acts [formaction$="/pause"]`)
	p.until("paused", `location.pathname.endsWith("`+slow+`") && document.querySelector(".since").innerText.startsWith("Paused")`)
	p.caughtUp()
	p.leave(`.acts [formaction$="/resume"]`)
	p.until("up", `document.querySelector(".since")?.innerText.startsWith("Up")`)
	p.caughtUp()
	p.leave(`#settings-title + .push a`)
	p.fill("#f-name", "Slower")
	p.leave("#monitor-form button[type=submit]")
	p.until("the page with the new name", `location.pathname.endsWith("`+slow+`") && document.querySelector("h1").innerText.startsWith("Slower")`)
	// Somebody else deletes it: there is nothing left to look at.
	p.until("live", `document.querySelector("[data-live-word]").textContent === "live"`)
	p.expect(`404`) // where the page is just reading itself anew
	if a := server.ask(by.token, "DELETE", "/api/icmp-monitors/"+slow, ""); a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	p.until("the list", `location.pathname === "/monitors"`)
}

// testTokens makes a token, which is shown once and works.
func testTokens(t *testing.T, b *browser) {
	server, _, p := signedIn(t, b)
	p.leave(`nav a[href="/tokens"]`)
	p.fill("#f-name", "Deploy")
	p.leave(".token-form button[type=submit]")
	secret := value[string](p, `document.querySelector("[data-testid=new-token]").value`)
	p.click("[data-copy]")
	p.until("an answer of the copy button", `/Copied|Selected/.test(document.querySelector("[data-copy-word]").textContent)`)
	if a := server.ask(secret, "GET", "/api/icmp-monitors", ""); a.status != 200 {
		t.Errorf("with the new token: got %d %s, want 200", a.status, a.body)
	}
	p.goTo(server.url + "/tokens")
	p.until("the list without the secret", fmt.Sprintf(`document.querySelectorAll("[data-testid=token-row]").length === 2 && !document.documentElement.outerHTML.includes(%q)`, secret))
	p.leave(`[aria-label="Delete the token Deploy"]`)
	p.leave(".btn-danger")
	p.until("one less", `location.pathname === "/tokens" && document.querySelectorAll("[data-testid=token-row]").length === 1`)
	p.expect(`status of 401`)
	if a := server.ask(secret, "GET", "/api/icmp-monitors", ""); a.status != 401 {
		t.Errorf("with the deleted token: got %d, want 401", a.status)
	}
}
