package main

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"echolot/probe/lab"
)

// withoutRaw lets a command start without CAP_NET_RAW: not even root may open raw sockets then.
func withoutRaw(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Fatal("this test needs the Debian package util-linux")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path = setpriv
	cmd.Args = append([]string{"setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw", exe}, cmd.Args[1:]...)
}

// fixes are what an operator is told wherever nobody may ping.
var fixes = []string{`sysctl -w net.ipv4.ping_group_range="0 2147483647"`, "setcap cap_net_raw+ep"}

// TestNobodyMayPing runs where neither kind of socket may be opened: everything says so and how to mend it, nothing is
// called down. With the right given back it works without a restart.
func TestNobodyMayPing(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		settings := []string{"ECHOLOT_DATA_DIR=" + t.TempDir()}
		by := admin(t, settings...)
		doctor := func() (string, int) {
			t.Helper()
			cmd := command(t.Context(), settings, "doctor")
			withoutRaw(t, cmd)
			out, _ := cmd.Output()
			return string(out), cmd.ProcessState.ExitCode()
		}
		said, code := doctor()
		if code != 1 {
			t.Errorf("doctor: got exit code %d, want 1", code)
		}
		for _, socket := range []string{"datagram IPv4", "raw IPv4", "datagram IPv6", "raw IPv6"} {
			if !regexp.MustCompile(`(?m)^no +` + socket + ` socket: .+`).MatchString(said) {
				t.Errorf("doctor does not say that %s is not to be had:\n%s", socket, said)
			}
		}
		mustSay(t, "doctor", said, fixes...)
		mustSay(t, "doctor", said, "no      pinger: none can run here\n")

		p := launch(t, func(cmd *exec.Cmd) { withoutRaw(t, cmd) }, settings...)
		p.waitServing()
		ids := []string{p.addMonitor(by.token, "Four", "127.0.0.1", 1), p.addMonitor(by.token, "Six", "::1", 1)}
		for _, id := range ids {
			p.waitState(by.token, id, "unknown")
		}
		eventually(t, "/readyz to say so", func() (bool, string) {
			a := p.ask("", "GET", "/readyz", "")
			return a.status == 503 && strings.Contains(a.body, "no right to ping"), a.body
		})
		var ready struct{ Status, Reason, Fix string }
		p.ask("", "GET", "/readyz", "").decode(t, &ready)
		mustSay(t, "/readyz", ready.Fix, fixes...)
		page := p.page(by, "/monitors")
		mustSay(t, "the page", page, "No right to ping.", `sysctl -w net.ipv4.ping_group_range=&#34;0 2147483647&#34;`, "setcap cap_net_raw+ep", "--cap-add=NET_RAW")

		var history struct {
			Data []struct{ Status, ErrorMessage string }
		}
		p.ask(by.token, "GET", "/api/icmp-monitors/"+ids[0]+"/check-history", "").decode(t, &history)
		if len(history.Data) == 0 || history.Data[0].Status != "unknown" || history.Data[0].ErrorMessage != "no right to ping" {
			t.Errorf("got %+v, want unknown for the right to ping", history.Data)
		}
		// Long enough that a verdict would have fallen, were these failures.
		eventually(t, "five checks", func() (bool, string) {
			a := p.ask(by.token, "GET", "/api/icmp-monitors/"+ids[0]+"/check-history", "")
			return strings.Count(a.body, `"status":"unknown"`) >= 5, a.body
		})
		var down struct{ Total int }
		p.ask(by.token, "GET", "/api/icmp-monitors?state=down", "").decode(t, &down)
		if down.Total != 0 || strings.Contains(p.said(), `"state":"down"`) {
			t.Errorf("got %d monitors down, want none", down.Total)
		}

		lab.AllowDatagram(t)
		for _, id := range ids {
			p.waitState(by.token, id, "up")
		}
		eventually(t, "/readyz to be fine", func() (bool, string) {
			a := p.ask("", "GET", "/readyz", "")
			return a.status == 200 && strings.Contains(a.body, `"ipv4":"datagram"`) && strings.Contains(a.body, `"stamps":"`), a.body
		})
		if strings.Contains(p.page(by, "/monitors"), "No right to ping.") {
			t.Error("the page still says that nobody may ping")
		}
		said, code = doctor()
		mustSay(t, "doctor with the right", said, "ok      pinger: ", "time stamps, IPv4 datagram, IPv6 datagram\n", "ok      probing: ")
		if !regexp.MustCompile(`(?m)^ok +probing: [a-z-]+ with (the kernel's|user-space) time stamps, IPv4 datagram, `).MatchString(said) {
			t.Errorf("doctor does not say who probes:\n%s", said)
		}
		if code != 0 || !regexp.MustCompile(`(?m)^ok +datagram IPv4 socket$`).MatchString(said) {
			t.Errorf("doctor with the right: got code %d\n%s", code, said)
		}
		p.stop()
	})
}

func mustSay(t *testing.T, who, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s does not say %q:\n%s", who, word, text)
		}
	}
}

// page reads a page as somebody who has signed in by the API; the session's token is the cookie's value.
func (p *program) page(by account, path string) string {
	p.t.Helper()
	var session struct{ Token string }
	p.ask("", "POST", "/api/auth/login", `{"email":"`+by.email+`","password":"`+by.password+`"}`).decode(p.t, &session)
	r, err := http.NewRequestWithContext(p.t.Context(), "GET", p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "sid", Value: session.Token})
	a, err := receive(r)
	if err != nil || a.status != 200 {
		p.t.Fatalf("%s: got %d, %v", path, a.status, err)
	}
	return a.body
}
