package main

import "testing"

// testTryRules edits rules: what they would have raised is told while somebody types, and at a press of the button; Enter saves.
func testTryRules(t *testing.T, b *browser) {
	server, by, p := signedIn(t, b)
	id := server.addMonitor(by.token, "Rules", "127.0.0.11", 1)
	server.waitState(by.token, id, "up")
	p.goTo(server.url + "/monitors/" + id)
	p.until("a few checks", `document.querySelectorAll("[data-testid=check-row]").length >= 4`)
	p.goTo(server.url + "/monitors/" + id + "/edit?from=monitor")
	said := func(words string) string {
		return `document.querySelector("#back-test [data-testid=back-test]")?.innerText.replaceAll("\u00a0", " ").includes("` + words + `")`
	}
	p.click("#rule-fields summary")
	p.fill(`[name="icmpConfig.degradedLatencyMs"]`, "0.001")
	p.until("what slow replies would have raised", said("would have raised 1 incident in"))
	p.until("the chart with its flag", `document.querySelectorAll("#back-test svg text.flag-t").length === 3`)
	p.shoot("back-test")
	p.fill(`[name="icmpConfig.degradedLatencyMs"]`, "5000")
	p.until("what a higher limit would have raised", said("would have raised no incident in"))
	p.fill(`[name="icmpConfig.confirmations"]`, "0")
	p.expect(refused)
	p.until("what is wrong", said("Not tried: "))
	p.fill(`[name="icmpConfig.confirmations"]`, "3")
	p.click(".promise .try")
	p.until("what came out at the button", said("would have raised no incident in"))
	p.leave("#monitor-form button[type=submit]")
	p.until("the monitor's page", `location.pathname.endsWith("`+id+`")`)
}
