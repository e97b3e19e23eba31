package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// zone sets the visitor's time zone.
func (p *tab) zone(name string) {
	p.t.Helper()
	p.do(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: name})
		return err
	})
}

// first runs a script before each page's own.
func (p *tab) first(script string) {
	p.t.Helper()
	p.do(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

// testStatusZone has visitors look at a page of another time zone in their own, in both languages: what is there, what comes later, and
// the months; and back again. Words are compared with the server's own for such a page. A visitor whose clock is two hours fast is told
// how long an incident lasts all the same.
func testStatusZone(t *testing.T, b *browser) {
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
		return got.PublicID
	}
	monitor := server.addMonitor(by.token, "Paused", "127.0.0.1", 86400)
	server.waitState(by.token, monitor, "up")
	ask("PATCH", "/api/icmp-monitors/"+monitor, `{"status":"disabled"}`)
	pages := "/api/status-pages/" + ask("POST", "/api/status-pages", `{"customerId":1,"name":"Elbtal","slug":"elbtal","timeZone":"Europe/Berlin","isPublished":true}`)
	now := time.Now()
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
	began := now.Add(-3*time.Hour - 6*time.Minute).Truncate(time.Second)
	posts := pages + "/posts"
	incident := posts + "/" + ask("POST", posts, `{"kind":"incident","title":"Line","body":"We look.","startsAt":"`+stamp(began)+`","at":"`+stamp(began)+`"}`)
	ask("POST", posts, `{"kind":"maintenance","title":"Soon","body":"x","startsAt":"`+stamp(now.Add(time.Hour))+`","endsAt":"`+stamp(now.Add(30*time.Hour))+`","remindMinutes":120}`)

	ended := now.Add(-time.Hour).Truncate(time.Second)
	ask("POST", posts, `{"kind":"incident","title":"Over","body":"x","state":"resolved","startsAt":"`+stamp(ended.Add(-time.Minute))+`","at":"`+stamp(ended)+`"}`)

	// Every month and weekday, of this year and of another one, as the server would write them.
	var moments []time.Time
	var extra strings.Builder
	for i := range 13 {
		at := time.Date(now.Year()-i/12, time.Month(i%12+1), 3+i, 18, 30, i, 0, time.UTC)
		moments = append(moments, at)
		fmt.Fprintf(&extra, `<time class="extra" datetime="%s">x</time>`, stamp(at))
	}

	for language, words := range map[string]struct{ pick, back, foot, days string }{
		"en": {"Show in my zone", "Show in Europe/Berlin", "All times in ", "Bars and days without a time: Europe/Berlin"},
		"de": {"In meiner Zeitzone zeigen", "In Europe/Berlin zeigen", "Alle Zeiten in ", "Balken und Tage ohne Uhrzeit: Europe/Berlin"},
	} {
		server := server.url + "/status/elbtal"
		near := b.open(t)
		near.zone("Europe/Vienna")
		near.goTo(server + "?lang=" + language)
		near.until("the stream", `document.querySelector("#status-live.on")`)
		if !value[bool](near, `document.getElementById("status-zone-pick").hidden`) {
			t.Errorf("%s: a visitor whose clock shows the same is offered another zone", language)
		}

		p := b.open(t)
		p.zone("Pacific/Chatham")
		p.first(`{ const now = Date.now; Date.now = () => now() + 2 * 3600e3 }`)
		p.goTo(server + "?lang=" + language)
		text := func(selector string) string {
			return fmt.Sprintf(`document.querySelector(%q).textContent.replaceAll("\u00a0", " ")`, selector)
		}
		in := func(zone string) views.StatusPage {
			at, err := time.LoadLocation(zone)
			if err != nil {
				t.Fatal(err)
			}
			return views.StatusPage{Board: models.StatusBoard{At: time.Now().In(at)}, Language: language, Words: views.NewWords().In(language)}
		}
		// shown waits until the page shows all of its moments in the zone.
		shown := func(what, zone string) {
			t.Helper()
			v := in(zone)
			beginning := v
			beginning.WithDays = !sameDay(began.In(in("Europe/Berlin").Board.At.Location()), in("Europe/Berlin").Board.At)
			p.until(what+": the foot", fmt.Sprintf(`%s === %q`, text("#status-zone"), words.foot+zone))
			p.until(what+": the beginning", fmt.Sprintf(`%s.startsWith(%q)`, text("#status-open .sub"), v.T("since %s", beginning.Moment(began))))
			p.until(what+": the way of the button", fmt.Sprintf(`%s === %q`, text("#status-zone-pick"), map[bool]string{true: words.back, false: words.pick}[zone != "Europe/Berlin"]))
			all := value[[]string](p, `[...document.querySelectorAll("#main time[datetime*=T]")].filter((e) => !e.closest("#status-live") && !e.matches(".extra, [data-from], [data-on]")).map((e) => e.dateTime + " " + ("dated" in e.dataset) + " " + e.textContent)`)
			if len(all) < 5 {
				t.Errorf("%s: got the moments %q, want more of them", what, all)
			}
			for _, one := range all {
				stamp, rest, _ := strings.Cut(one, " ")
				dated, got, _ := strings.Cut(rest, " ")
				v := v
				v.WithDays = dated == "true"
				if at, err := time.Parse(time.RFC3339, stamp); err != nil || got != v.Moment(at) {
					t.Errorf("%s: %s: got %q, want %q", what, stamp, got, v.Moment(at))
				}
			}
			for _, one := range value[[]string](p, `[...document.querySelectorAll("#status-past .day time")].map((e) => e.dateTime + " " + e.dataset.on + " " + e.textContent)`) {
				stamp, rest, _ := strings.Cut(one, " ")
				day, got, _ := strings.Cut(rest, " ")
				at, err := time.Parse(time.RFC3339, stamp)
				heading, err2 := time.ParseInLocation(time.DateOnly, day, v.Board.At.Location())
				under := v
				under.Board.At = heading
				if want := under.Moment(at); err != nil || err2 != nil || got != want {
					t.Errorf("%s: %s: got %q under the heading, want %q", what, one, got, want)
				}
			}
			if got, want := value[bool](p, `document.getElementById("status-days").hidden`), zone == "Europe/Berlin"; got != want {
				t.Errorf("%s: the word on days is hidden: %t", what, got)
			}
		}
		// Two hours fast, and yet: the server says what time it is.
		lasts := fmt.Sprintf(`%s.startsWith(", 3 h ") && parseInt(%s.slice(6)) < 20`, text("[data-since]"), text("[data-since]"))
		p.until("the stream", `document.querySelector("#status-live.on")`)
		p.until("how long it lasts", lasts)
		shown("at first", "Europe/Berlin")
		p.mark()
		p.click("#status-zone-pick")
		shown("chosen", "Pacific/Chatham")
		if got := value[string](p, `document.getElementById("status-days").textContent`); got != words.days {
			t.Errorf("got %q, want %q", got, words.days)
		}
		since := value[string](p, `document.querySelector("[id^=status-c-] .since").innerText`)
		if v := in("Pacific/Chatham"); !strings.HasPrefix(since, v.T("since %s", "")) || since == v.T("since %s", "") {
			t.Errorf("got %q of a component, want since when", since)
		}
		value[bool](p, fmt.Sprintf(`(document.getElementById("status-past").insertAdjacentHTML("beforeend", %q), true)`, extra.String()))
		p.click("#status-zone-pick")
		shown("back", "Europe/Berlin")
		p.click("#status-zone-pick")
		shown("chosen again", "Pacific/Chatham")
		for i, got := range value[[]string](p, `[...document.querySelectorAll(".extra")].map((e) => e.textContent)`) {
			if want := in("Pacific/Chatham").Moment(moments[i]); got != want {
				t.Errorf("%s: got %q, want %q", moments[i], got, want)
			}
		}
		value[bool](p, `(document.querySelectorAll(".extra").forEach((e) => e.remove()), true)`)

		ask("POST", incident+"/updates", `{"body":"Told in `+language+`."}`)
		p.until("what is told later", fmt.Sprintf(`document.querySelector("#status-open").textContent.includes("Told in %s.")`, language))
		shown("after a change", "Pacific/Chatham")
		p.until("how long it lasts", lasts)

		// New settings: the head and the foot come anew, and no page is loaded again.
		ask("PATCH", pages, `{"name":"Elbtal `+language+`","accent":"#aa1100","footerText":"Ring us in `+language+`."}`)
		p.until("the new name", fmt.Sprintf(`document.querySelector(".brand").innerText === "Elbtal %s" && document.title.endsWith(" · Elbtal %s")`, language, language))
		p.until("the new foot", fmt.Sprintf(`document.querySelector(".own")?.innerText === "Ring us in %s."`, language))
		p.until("the new colour", `document.getElementById("status-theme")?.sheet`)
		shown("with other settings", "Pacific/Chatham")
		if !p.marked() {
			t.Error("the page was loaded again")
		}
		ask("PATCH", pages, `{"accent":null}`)
		p.until("no colour", `!document.getElementById("status-theme")`)

		p.goTo(server + "/history/" + now.Format("2006-01") + "?lang=" + language)
		p.until("the month in the zone", fmt.Sprintf(`%s === %q`, text("#status-zone"), words.foot+"Pacific/Chatham"))
		dated := `[...document.querySelectorAll("main time:not([data-from])")].every((e) => / \d\d:\d\d$/.test(e.textContent) && e.textContent.includes(", "))`
		p.until("days in the month", dated)
		p.click("#status-zone-pick")
		p.until("the month in the page's", fmt.Sprintf(`%s === %q`, text("#status-zone"), words.foot+"Europe/Berlin"))
		if value[bool](p, `Boolean(document.querySelector("[data-since]"))`) {
			t.Error("a month says how long something lasts that it is not told the end of")
		}
		if kept := value[int](p, `localStorage.length`); kept != 0 {
			t.Errorf("got %d things kept of nothing chosen", kept)
		}
		for _, tab := range []*tab{near, p} {
			tab.goTo("about:blank")
		}
	}
	server.stop()
}

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }
