package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// TestBrowser does in Chromium what people do.
func TestBrowser(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	for name, test := range map[string]func(*testing.T, *browser){
		"first start": testFirstStart, "panel": testPanel, "row menu": testRowMenu, "keys": testKeys, "monitor page": testMonitorPage, "try rules": testTryRules,
		"tokens": testTokens, "lost stream": testLostStream, "scripts off": testScriptsOff, "every page": testEveryPage,
		"chart": testChart, "chart answers": testChartAnswers, "wall": testWall, "live": testLive, "status page": testStatusPage,
		"elsewhere": testElsewhere, "status zone": testStatusZone, "status withdrawn": testStatusWithdrawn, "status settings": testStatusSettings, "status settings, scripts off": testStatusSettingsScriptsOff,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}

// refused is what Chromium itself says of a form that comes back.
const refused = `status of 422`

// setUp fills in the form behind the setup link.
func (p *tab) setUp(link string) {
	p.t.Helper()
	p.goTo(link)
	p.fill("#f-organizationName", "Kranich Netze")
	p.fill("#f-firstName", "Anna")
	p.fill("#f-lastName", "Kranich")
	p.fill("#f-email", "anna@example.com")
	p.fill("#f-password", "correct horse battery")
	p.fill("#f-passwordAgain", "correct horse battery")
	p.leave("form button[type=submit]")
}

// signIn signs in by the form.
func (p *tab) signIn(server *program, by account) {
	p.t.Helper()
	p.goTo(server.url + "/monitors")
	p.until("the way to sign in", `location.pathname === "/login"`)
	p.fill("#f-email", by.email)
	p.fill("#f-password", by.password)
	p.leave("form button[type=submit]")
	p.until("the list", `location.pathname === "/monitors"`)
}

// rowOf is a selector's beginning that finds the row of a monitor.
func rowOf(publicID string) string { return "#m-" + publicID + " " }

// kindOf is true while the row's state is the word.
func kindOf(publicID, word string) string {
	return fmt.Sprintf(`document.querySelector('#m-%s .lv-state')?.innerText.startsWith(%q)`, publicID, word)
}

// signedIn starts a program with an administrator and opens its list in a new tab.
func signedIn(t *testing.T, b *browser, settings ...string) (*program, account, *tab) {
	t.Helper()
	settings = append([]string{"ECHOLOT_DATA_DIR=" + t.TempDir()}, settings...)
	by := admin(t, settings...)
	server := serve(t, settings...)
	p := b.open(t)
	p.signIn(server, by)
	return server, by, p
}

// testFirstStart is the whole way of a stranger: the link that the first start prints, the account, the first monitor by
// the form, and its row that turns up and moves by itself.
func testFirstStart(t *testing.T, b *browser) {
	server := serve(t)
	if !strings.HasPrefix(server.setup, server.url+"/setup/") {
		t.Fatalf("got setup link %q, want one at %s:\n%s", server.setup, server.url, server.said())
	}
	p := b.open(t)
	p.expect(refused)
	p.goTo(server.setup)
	p.fill("#f-organizationName", "Kranich Netze")
	p.fill("#f-email", "anna@example.com")
	p.fill("#f-password", "short")
	p.fill("#f-passwordAgain", "short")
	p.leave("form button[type=submit]")
	p.until("the error beside the password", `document.querySelector("#f-password[aria-invalid]") && document.querySelector("#f-email").value === "anna@example.com"`)
	p.setUp(server.setup)

	p.until("the first page", `location.pathname === "/monitors" && document.querySelector("[data-first]")`)
	p.leave(`[data-first] a[href="/monitors/new"]`)
	p.fill("#f-name", "This machine")
	p.fill("#f-hostname", "127.0.0.1")
	p.fill("#f-checkIntervalSeconds", "1")
	p.fill("#f-timeoutSeconds", "1")
	p.click("details.advanced summary")
	p.fill("#f-icmpConfig-count", "1")
	p.leave(`#monitor-form button[type=submit]`)
	p.mark()
	p.until("the row turns up", `document.querySelector("[data-testid=monitor-row] .lv-state")?.innerText.startsWith("Up")`)
	p.movesTwice(`document.querySelector("[data-testid=monitor-row] [data-testid=rtt]")?.textContent`)

	// The link worked once.
	p.expect(`status of 404`)
	p.goTo(server.setup)
	p.until("nothing behind the used link", `document.querySelector(".trouble")`)
}

// movesTwice waits until a text has changed twice, on the page as it was marked.
func (p *tab) movesTwice(text string) {
	p.t.Helper()
	for range 2 {
		before := value[string](p, text)
		p.until("another figure than "+before, fmt.Sprintf(`(%s ?? %q) !== %q`, text, before, before))
	}
	if !p.marked() {
		p.t.Error("the page was loaded anew, want it to move by itself")
	}
}

// testPanel adds and edits a monitor above a list that is not empty, without a reload.
func testPanel(t *testing.T, b *browser) {
	server, by, p := signedIn(t, b)
	p.expect(refused)
	first := server.addMonitor(by.token, "First", "127.0.0.2", 3600)
	p.goTo(server.url + "/monitors")
	p.caughtUp()
	p.mark()
	p.click("[data-open-panel]")
	p.until("the panel", `document.querySelector("#panel #monitor-form") && document.activeElement.id === "f-name"`)
	p.fill("#f-hostname", "https://127.0.0.3/ping")
	p.fill("#f-checkIntervalSeconds", "0.5")
	p.click("#panel button[type=submit]")
	p.until("the errors beside the fields", `["f-name", "f-hostname", "f-checkIntervalSeconds"].every((id) => {
		const f = document.getElementById(id), e = document.getElementById(id + "-e");
		return f?.getAttribute("aria-invalid") === "true" && e?.innerText.length > 5 && f.getAttribute("aria-describedby").includes(e.id) })`)
	p.until("what was typed", `document.getElementById("f-hostname").value === "https://127.0.0.3/ping" && document.getElementById("f-checkIntervalSeconds").value === "0.5"`)
	p.fill("#f-name", "Second <b>bold</b>")
	p.fill("#f-hostname", "127.0.0.3")
	p.fill("#f-checkIntervalSeconds", "3600")
	p.click("#panel button[type=submit]")
	p.until("the new row on top", `document.querySelector("#rows > tr:first-child a.name")?.textContent === "Second <b>bold</b>" && document.querySelectorAll("#rows > tr").length === 2`)
	p.until("the panel is empty", `document.querySelector("#panel").childElementCount === 0 && document.querySelector("[data-open-panel]").getAttribute("aria-expanded") === "false"`)
	p.until("the new row is up", `document.querySelector("#rows > tr:first-child .lv-state")?.innerText.startsWith("Up")`)

	p.openMenu(first)
	p.click(rowOf(first) + `a[href$="/edit"]`)
	p.until("the form of the row", `document.querySelector("#panel #f-name")?.value === "First"`)
	p.fill("#f-name", "Renamed")
	p.click("#panel button[type=submit]")
	p.until("the row has its new name", fmt.Sprintf(`document.querySelector("#m-%s a.name")?.textContent === "Renamed" && document.querySelector("#panel").childElementCount === 0`, first))
	if !p.marked() {
		t.Error("the page was loaded anew")
	}
}

// testRowMenu does by mouse all that the menu of a row offers.
func testRowMenu(t *testing.T, b *browser) {
	server, by, p := signedIn(t, b)
	id := server.addMonitor(by.token, "Row", "127.0.0.4", 3600)
	other := server.addMonitor(by.token, "Other", "127.0.0.5", 3600)
	server.waitState(by.token, id, "up")
	p.goTo(server.url + "/monitors")
	p.caughtUp()
	p.mark()
	menu := func(action string) {
		t.Helper()
		p.openMenu(id)
		p.click(rowOf(id) + fmt.Sprintf(`[formaction$="/%s"]`, action))
	}
	menu("pause")
	p.until("paused", kindOf(id, "Paused"))
	menu("resume")
	p.until("up again", kindOf(id, "Up"))
	menu("maintenance")
	p.until("maintenance", kindOf(id, "Maintenance"))
	menu("resume")
	p.until("up after maintenance", kindOf(id, "Up"))
	rtt := fmt.Sprintf(`document.querySelector("#m-%s [data-testid=rtt]")?.textContent`, id)
	before := value[string](p, rtt)
	menu("check")
	p.until("another RTT", fmt.Sprintf(`(%s ?? %q) !== %q`, rtt, before, before))

	remove := func() {
		t.Helper()
		p.openMenu(id)
		p.click(rowOf(id) + "a.danger")
		p.until("the question", `document.querySelector("#panel [role=alertdialog]") && document.activeElement.textContent.includes("Keep it")`)
	}
	remove()
	p.click("#panel [data-close-panel]")
	p.until("it is kept", fmt.Sprintf(`document.querySelector("#panel").childElementCount === 0 && document.getElementById("m-%s")`, id))
	remove()
	p.click("#panel .btn-danger")
	p.until("it is gone", fmt.Sprintf(`!document.getElementById("m-%s") && document.getElementById("m-%s") && document.querySelector("#panel").childElementCount === 0`, id, other))
	if !p.marked() {
		t.Error("the page was loaded anew")
	}
	if a := server.ask(by.token, "GET", "/api/icmp-monitors/"+id, ""); a.status != 404 {
		t.Errorf("got %d for the deleted monitor, want 404", a.status)
	}
}

// testKeys does the same work without a mouse.
func testKeys(t *testing.T, b *browser) {
	server, by, p := signedIn(t, b)
	ids := []string{server.addMonitor(by.token, "Alpha", "127.0.0.6", 3600), server.addMonitor(by.token, "Beta", "127.0.0.7", 3600)}
	for _, id := range ids {
		server.waitState(by.token, id, "up")
	}
	p.goTo(server.url + "/monitors?sort=name")
	p.caughtUp()
	p.mark()
	at := func(i int) string { return fmt.Sprintf(`document.activeElement.id === "n-%s"`, ids[i]) }
	p.press("j")
	p.until("the first row", at(0))
	p.press("j")
	p.until("the second row", at(1))
	p.press("k")
	p.until("the first row again", at(0))

	rtt := fmt.Sprintf(`document.querySelector("#m-%s [data-testid=rtt]")?.textContent`, ids[0])
	before := value[string](p, rtt)
	p.press("c")
	p.until("another RTT", fmt.Sprintf(`(%s ?? %q) !== %q`, rtt, before, before))

	p.until("the cursor stays in the row", at(0))
	p.press("e")
	p.until("the form of the row", `document.querySelector("#panel #f-name")?.value === "Alpha" && document.activeElement.id === "f-name"`)
	p.press(kb.Escape)
	p.until("the form is closed and the cursor back", `document.querySelector("#panel").childElementCount === 0 && `+at(0))

	p.press("n")
	p.until("the form for a new one", `document.activeElement.id === "f-name" && document.querySelector("#panel h2").textContent === "Add monitor"`)
	p.press("Njeck" + kb.Tab + "127.0.0.8" + kb.Enter) // the letters are no commands here
	p.until("the new row on top", `document.querySelector("#rows > tr:first-child a.name")?.textContent === "Njeck"`)

	p.until("the cursor is free", `document.activeElement.closest("input") === null`)
	p.press("/")
	p.until("the search", `document.activeElement.id === "q"`)
	p.press("bet")
	p.until("only what matches", fmt.Sprintf(`document.querySelectorAll("#rows > tr").length === 1 && document.getElementById("m-%s") && new URLSearchParams(location.search).get("search") === "bet"`, ids[1]))
	if !p.marked() {
		t.Error("the page was loaded anew")
	}

	// Delete by Tab and Enter alone, from the row's name through its menu and the question.
	value[bool](p, `(document.activeElement.blur(), true)`)
	p.press("j")
	p.until("the row", at(1))
	p.press(kb.Tab + kb.Enter)
	p.until("the menu", fmt.Sprintf(`document.querySelector("#m-%s details").open`, ids[1]))
	for range 10 {
		if value[bool](p, `document.activeElement.matches("a.danger")`) {
			break
		}
		p.press(kb.Tab)
	}
	p.press(kb.Enter)
	p.until("the question", `document.activeElement.closest("[role=alertdialog]")`)
	p.press(kb.Tab)
	p.until("the red button", `document.activeElement.matches(".btn-danger")`)
	p.press(kb.Enter)
	p.until("it is gone", fmt.Sprintf(`!document.getElementById("m-%s")`, ids[1]))
}
