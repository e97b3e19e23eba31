package views

import (
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"echolot/models"
)

func TestNoPageHoldsAnythingInlineThatTheContentSecurityPolicyForbids(t *testing.T) {
	for name, page := range everyPage() {
		doc := draw(t, page)
		doc.Find("*").Each(func(_ int, s *goquery.Selection) {
			for _, a := range s.Nodes[0].Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || a.Key == "hx-vals" {
					t.Errorf("%s: <%s> has %s", name, s.Nodes[0].Data, a.Key)
				}
				if a.Key == "hx-trigger" && strings.Contains(a.Val, "[") {
					t.Errorf("%s: a filter in hx-trigger fails open: %s", name, a.Val)
				}
				if (a.Key == "href" || a.Key == "src" || a.Key == "action") && strings.HasPrefix(strings.ToLower(a.Val), "javascript:") {
					t.Errorf("%s: %s=%q", name, a.Key, a.Val)
				}
			}
		})
		if n := doc.Find("style").Length(); n > 0 {
			t.Errorf("%s: got %d style elements, want none", name, n)
		}
		doc.Find("script").Each(func(_ int, s *goquery.Selection) {
			if s.AttrOr("src", "") == "" || s.Text() != "" {
				t.Errorf("%s: a script without src, or with text", name)
			}
		})
	}
}

func TestWhatPeopleTypedIsTextEverywhere(t *testing.T) {
	for name, page := range everyPage() {
		html := render(t, page)
		if strings.Contains(html, "<script>alert") || strings.Contains(html, "<b>bold") {
			t.Errorf("%s: a name became markup", name)
		}
	}
	doc := draw(t, Monitors(sampleList(1)))
	if got := doc.Find("[data-testid=monitor-row] a.name").Text(); got != nasty {
		t.Errorf("name: got %q, want %q", got, nasty)
	}
}

func TestEveryControlHasAName(t *testing.T) {
	for name, page := range everyPage() {
		doc := draw(t, page)
		doc.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
			id := s.AttrOr("id", "")
			if s.Closest("label").Length() == 0 && (id == "" || doc.Find(`label[for="`+id+`"]`).Length() == 0) {
				t.Errorf("%s: the field %q has no label", name, s.AttrOr("name", id))
			}
		})
		doc.Find("button, a[href], summary").Each(func(_ int, s *goquery.Selection) {
			if strings.TrimSpace(s.Text()) == "" && s.AttrOr("aria-label", "") == "" {
				html, _ := goquery.OuterHtml(s)
				t.Errorf("%s: without a name: %.120s", name, html)
			}
		})
		doc.Find("button").Each(func(_ int, s *goquery.Selection) {
			if s.AttrOr("type", "") == "" {
				t.Errorf("%s: the button %q has no type", name, strings.TrimSpace(s.Text()))
			}
		})
		seen := map[string]bool{}
		doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
			if id := s.AttrOr("id", ""); seen[id] {
				t.Errorf("%s: the id %q is there twice", name, id)
			} else {
				seen[id] = true
			}
		})
		doc.Find("[aria-describedby], [aria-labelledby]").Each(func(_ int, s *goquery.Selection) {
			for _, id := range strings.Fields(s.AttrOr("aria-describedby", "") + " " + s.AttrOr("aria-labelledby", "")) {
				if !seen[id] {
					t.Errorf("%s: described by %q, which is not there", name, id)
				}
			}
		})
	}
}

func TestEveryPageHasOneHeadingAndOneMain(t *testing.T) {
	for name, page := range everyPage() {
		doc := draw(t, page)
		if doc.Find("title").Length() == 0 {
			continue // a fragment
		}
		if n := doc.Find("h1").Length(); n != 1 {
			t.Errorf("%s: got %d h1, want 1", name, n)
		}
		if n := doc.Find("main#main").Length(); n != 1 {
			t.Errorf("%s: got %d main, want 1", name, n)
		}
		level := 1
		doc.Find("h1, h2, h3").Each(func(_ int, s *goquery.Selection) {
			now := int(s.Nodes[0].Data[1] - '0')
			if now > level+1 {
				t.Errorf("%s: h%d after h%d", name, now, level)
			}
			level = now
		})
	}
}

func TestEveryFormThatChangesSomethingCarriesTheToken(t *testing.T) {
	for name, page := range everyPage() {
		doc := draw(t, page)
		if doc.Find("body[hx-headers]").Length() == 0 {
			continue // signed out, or a fragment
		}
		doc.Find("form[method=post]").Each(func(_ int, s *goquery.Selection) {
			if got := s.Find("input[name=_csrf]").AttrOr("value", ""); got != "token" {
				t.Errorf("%s: the form to %q has token %q, want %q", name, s.AttrOr("action", ""), got, "token")
			}
		})
	}
}

func TestTheFormShowsWhatWasTypedWithTheErrorBeside(t *testing.T) {
	doc := draw(t, MonitorFormPanel(sampleForm()))
	host := doc.Find(`input[name="hostname"]`)
	if got, want := host.AttrOr("value", ""), "https://vpn.nordwind.example/x"; got != want {
		t.Errorf("value: got %q, want %q", got, want)
	}
	if host.AttrOr("aria-invalid", "") != "true" {
		t.Error("the wrong field is not marked aria-invalid")
	}
	if got := doc.Find("#" + host.AttrOr("aria-describedby", "none")).Text(); !strings.Contains(got, "Invalid hostname") {
		t.Errorf("error beside the field: got %q", got)
	}
	if got := doc.Find("[data-fill]").AttrOr("data-value", ""); got != "vpn.nordwind.example" {
		t.Errorf("suggestion: got %q, want vpn.nordwind.example", got)
	}
	if _, open := doc.Find("details.advanced").Attr("open"); !open {
		t.Error("an error in the folded part does not unfold it")
	}
	if got := doc.Find("input[name=version]").AttrOr("value", ""); got != "7" {
		t.Errorf("version: got %q, want 7", got)
	}
	if got, want := plain(doc.Find("[data-promise-line]").Text()), "3 × 56 bytes every 1 min. A silent host is called down after 2 failed checks, at most 75 s after it falls silent."; got != want {
		t.Errorf("promise: got %q, want %q", got, want)
	}
	if draw(t, Setup(SetupPage{Values: map[string]string{"password": "secret"}})).Find("input[type=password][value=secret]").Length() > 0 {
		t.Error("a password was sent back")
	}
}

func TestThePromiseIsEmptyWhereTheFiguresMakeNoSense(t *testing.T) {
	for _, typed := range []string{"x", "-1", "NaN", "Inf", "1e300", ""} {
		f := MonitorForm{Values: NewMonitorValues("1")}
		f.Values["checkIntervalSeconds"] = typed
		if p := f.promise(); len(p) > 0 {
			t.Errorf("%q: got %v, want none", typed, p)
		}
	}
}

func TestThePromiseSaysTheLimits(t *testing.T) {
	const silent = "3 × 56 bytes every 1 min. A silent host is called down after 2 failed checks, at most 75 s after it falls silent."
	for _, c := range []struct {
		set  map[string]string
		want string
	}{
		{nil, ""},
		{map[string]string{"degradedLossPercent": "0", "failedLossPercent": "100", "windowSeconds": "60"}, ""},
		{map[string]string{"degradedLossPercent": "10"}, " Degraded from 10 % loss on."},
		{map[string]string{"degradedLossPercent": "12.5", "degradedLatencyMs": "25", "windowSeconds": "300"}, " Degraded from 12.5 % loss or 25 ms on average over 5 min on."},
		{map[string]string{"degradedLatencyMs": "25", "latencyMeasure": "p95", "failedLossPercent": "60", "failedLatencyMs": "80.5"},
			" Degraded from 25 ms at the 95th percentile on. Down from 60 % loss or 80.5 ms at the 95th percentile on."},
	} {
		f := MonitorForm{Values: NewMonitorValues("1")}
		for key, v := range c.set {
			f.Values["icmpConfig."+key] = v
		}
		line := draw(t, MonitorFormPanel(f)).Find("[data-promise-line]")
		if got := plain(line.Text()); got != silent+c.want {
			t.Errorf("%v:\n got %q\nwant %q", c.set, got, silent+c.want)
		}
		line.Find("b").Each(func(_ int, b *goquery.Selection) {
			if !strings.ContainsAny(b.Text(), "0123456789") {
				t.Errorf("%v: %q is marked as a figure", c.set, b.Text())
			}
		})
	}
}

// What is wrong with a rule stands beside its field, and only that part unfolds.
func TestTheRulesUnfoldWhereTheyAreWrongOrSet(t *testing.T) {
	open := func(f MonitorForm) (advanced, rules bool) {
		doc := draw(t, MonitorFormPanel(f))
		_, advanced = doc.Find("details.advanced").First().Attr("open")
		_, rules = doc.Find("details.rules").Attr("open")
		return advanced, rules
	}
	f := MonitorForm{Values: NewMonitorValues("1")}
	if advanced, rules := open(f); advanced || rules {
		t.Errorf("a new monitor: got advanced open %t, rules open %t", advanced, rules)
	}
	f.Values["icmpConfig.degradedLossPercent"] = "10"
	if advanced, rules := open(f); advanced || !rules {
		t.Errorf("with a limit: got advanced open %t, rules open %t, want the rules", advanced, rules)
	}
	f = MonitorForm{Values: NewMonitorValues("1"), Errors: map[string]string{"icmpConfig.clearLossPercent": "Choose 10 or less"}}
	if advanced, rules := open(f); advanced || !rules {
		t.Errorf("with an error: got advanced open %t, rules open %t, want the rules", advanced, rules)
	}
	field := draw(t, MonitorFormPanel(f)).Find(`input[name="icmpConfig.clearLossPercent"]`)
	if got := draw(t, MonitorFormPanel(f)).Find("#" + field.AttrOr("aria-describedby", "none")).Text(); !strings.Contains(got, "Choose 10 or less") {
		t.Errorf("beside the field: got %q", got)
	}
	for _, key := range models.ConfigKeys() {
		if draw(t, MonitorFormPanel(f)).Find(`[name="icmpConfig.`+key+`"]`).Length() != 1 {
			t.Errorf("%s has no field of its own", key)
		}
	}
}

func TestAReaderSeesNoActions(t *testing.T) {
	r := sampleRow("m1")
	r.MayEdit, r.MaySetStatus = false, false
	if n := draw(t, Row(r)).Find("button, details").Length(); n != 0 {
		t.Errorf("got %d controls, want none", n)
	}
	r.MaySetStatus = true
	html := render(t, Row(r))
	if strings.Contains(html, "/delete") || strings.Contains(html, "/edit") || !strings.Contains(html, "/m1/pause") {
		t.Error("who may set the status only is offered more, or less")
	}
}

func TestLiveFragmentsAreTheRowsOwnPartsAndHoldNothingOfAUser(t *testing.T) {
	row, live := render(t, Row(sampleRow("m1"))), draw(t, MonitorLive(sampleLive("m1")))
	parts := live.Find("[data-live]")
	if parts.Length() != 5 {
		t.Errorf("got %d parts, want 5", parts.Length())
	}
	if html := render(t, MonitorPageLive(sampleLive("m1"))); strings.Contains(html, "token") || strings.Contains(html, "form") || strings.Contains(html, "\n") {
		t.Errorf("a live fragment holds a form, a token or a line break: %s", html)
	}
	for _, part := range []string{render(t, liveState(sampleLive("m1"))), render(t, liveRTT(sampleLive("m1"))), render(t, liveBeat(sampleLive("m1")))} {
		if !strings.Contains(row, part) {
			t.Errorf("the row does not hold the part as it is sent: %.100s", part)
		}
	}
	page := draw(t, Monitor(sampleMonitor()))
	draw(t, MonitorPageLive(sampleLive("m1"))).Find("[data-live]").Each(func(_ int, s *goquery.Selection) {
		name := s.AttrOr("data-live", "")
		if !strings.HasSuffix(name, ":state") && !strings.HasSuffix(name, ":why") && page.Find(`[data-live="`+name+`"]`).Length() != 1 {
			t.Errorf("%s is sent but not on the page", name)
		}
	})
}

func TestTheFilterKeepsItsAddress(t *testing.T) {
	f := Filter{Search: "a&b", State: "down", Sort: "name"}
	if got, want := f.URL(2), "/monitors?page=2&search=a%26b&sort=name&state=down"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (Filter{Sort: DefaultSort}).URL(1); got != "/monitors" {
		t.Errorf("got %q, want /monitors", got)
	}
	doc := draw(t, Monitors(sampleList(1)))
	if got := doc.Find("th[aria-sort]").Text(); strings.TrimSpace(got) != "State" {
		t.Errorf("sorted column: got %q, want State", got)
	}
	if got, want := doc.Find(".c-state a").AttrOr("href", ""), "/monitors?sort=-state"; got != want {
		t.Errorf("other way round: got %q, want %q", got, want)
	}
}
