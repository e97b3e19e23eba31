package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"echolot/models/modelstest"
)

// TestWrongSettings: each stops the start with one sentence that names the setting.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken := serve(t)
	for _, c := range []struct{ setting, value, says string }{
		{"ECHOLOT_LISTEN", "8080", "like 127.0.0.1:8080"},
		{"ECHOLOT_LISTEN", "127.0.0.1:99999", "the port \"99999\" is unknown or out of range"},
		{"ECHOLOT_LISTEN", ":-1", "out of range"},
		{"ECHOLOT_LISTEN", ":no-such-service", "unknown"},
		{"ECHOLOT_LISTEN", strings.TrimPrefix(taken.url, "http://"), "choose another address or stop what uses it"},
		{"ECHOLOT_LISTEN", "192.0.2.1:8080", "choose another address"},
		{"ECHOLOT_DATA_DIR", file, "choose a directory"},
		{"ECHOLOT_DATABASE_URL", file, ""},
		{"ECHOLOT_DATABASE_URL", "mysql://localhost/echolot", "postgres://"},
		{"ECHOLOT_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none?sslmode=disable", "the database at 127.0.0.1:1 does not answer"},
		{"ECHOLOT_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none?sslmode=maybe", "sslmode"},
		{"ECHOLOT_BASE_URL", "echolot.example", "like https://echolot.example"},
		{"ECHOLOT_BASE_URL", "ftp://echolot.example", "like https://echolot.example"},
		{"ECHOLOT_BASE_URL", "https://echolot.example/below", "without a path"},
		{"ECHOLOT_BASE_URL", "https://echolot.example#part", "without a path"},
		{"ECHOLOT_BASE_URL", "http://:8080", "like https://echolot.example"},
		{"ECHOLOT_BASE_URL", "http://echolot.example:99999", "like https://echolot.example"},
		{"ECHOLOT_BASE_URL", "https://me:secret@echolot.example", "leave out the user name"},
		{"ECHOLOT_BASE_URL", "https://me@echolot.example", "leave out the user name"},
		{"ECHOLOT_TLS_LISTEN", "443", "like 127.0.0.1:8080"},
		{"ECHOLOT_TLS_LISTEN", "127.0.0.1:99999", "out of range"},
		{"ECHOLOT_TLS_LISTEN", "127.0.0.1:0", "set ECHOLOT_BASE_URL too"},
		{"ECHOLOT_ACME_EMAIL", "nobody", "not an e-mail address"},
		{"ECHOLOT_ACME_DIRECTORY", "http://acme.example/dir", "like https://acme-v02.api.letsencrypt.org/directory"},
		{"ECHOLOT_ACME_DIRECTORY", "acme.example", "like https://"},
		{"ECHOLOT_TRUSTED_PROXIES", "proxy.example", "neither an address nor a network"},
		{"ECHOLOT_API_RATE_LIMIT", "-1", "no limit"},
		{"ECHOLOT_API_RATE_LIMIT", "many", "int"},
		{"ECHOLOT_PACKETS_PER_SECOND", "-1", "no limit"},
		{"ECHOLOT_PACKETS_PER_SECOND", "1.5", "int"},
		{"ECHOLOT_METRICS_TOKEN", "fifteen-letters", "16 or more"},
		{"ECHOLOT_METRICS_TOKEN", "sixteen letters and spaces", "letters and digits"},
		{"ECHOLOT_TARGET_POLICY", "open", "private"},
		{"ECHOLOT_TARGET_ALLOW", "10.0.0.0", "like 10.0.0.0/8"},
		{"ECHOLOT_TARGET_ALLOW", "10.0.0.0/33", "like 10.0.0.0/8"},
		{"ECHOLOT_SENTINELS", "127.0.0.1,no such host", "\"no such host\" is neither a name nor an address"},
		{"ECHOLOT_SENTINELS", "no-gateway,224.0.0.1", "224.0.0.1 is never pinged"},
		{"ECHOLOT_RESOLVER", "192.0.2.53", "like 192.0.2.53:53"},
		{"ECHOLOT_RESOLVER", "192.0.2.53:dns", "like 192.0.2.53:53"},
		{"ECHOLOT_RESOLVER", "192.0.2.53:0", "like 192.0.2.53:53"},
		{"ECHOLOT_RESOLVER", "192.0.2.53:65536", "like 192.0.2.53:53"},
		{"ECHOLOT_LOCATION_COUNTRY", "XX", "like DE"},
		{"ECHOLOT_LOCATION_NAME", " ", "name"},
		{"ECHOLOT_LOCATION_CODE", " ", "code"},
		{"ECHOLOT_MAX_STREAMS", "-1", ""},
		{"ECHOLOT_MAX_STREAMS_PER_USER", "-1", ""},
		{"ECHOLOT_MAX_STREAMS_PER_ORG", "-1", ""},
		{"ECHOLOT_MAX_STREAMS_PER_ADDRESS", "-1", ""},
		{"ECHOLOT_LOG_LEVEL", "loud", "warn"},
		{"ECHOLOT_LOG_FORMAT", "xml", "json"},
	} {
		t.Run(c.setting+" "+filepath.Base(c.value), func(t *testing.T) {
			r := runProgram(t, []string{"ECHOLOT_DATA_DIR=" + t.TempDir(), "ECHOLOT_LISTEN=127.0.0.1:0", c.setting + "=" + c.value}, "", "serve")
			lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
			if r.code == 0 || r.stdout != "" || len(lines) != 1 {
				t.Fatalf("got code %d, stdout %q, stderr\n%s\nwant a failure and one line", r.code, r.stdout, r.stderr)
			}
			flag := "--" + strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(c.setting, "ECHOLOT_")), "_", "-")
			if !strings.Contains(lines[0], c.setting) && !strings.Contains(lines[0], flag) || !strings.Contains(lines[0], c.says) {
				t.Errorf("got %q, want it to name %s and to say %q", lines[0], c.setting, c.says)
			}
		})
	}
	// The user has no say in a setting that does not exist, but a flag with a typing error is told.
	if r := runProgram(t, nil, "", "serve", "--listn=:1"); r.code == 0 || !strings.Contains(r.stderr, "--listn") {
		t.Errorf("got code %d, stderr %q, want the unknown flag named", r.code, r.stderr)
	}
}

// TestEmptySettings: an empty variable, usual in compose files, means the default, whatever the kind of the setting.
func TestEmptySettings(t *testing.T) {
	t.Parallel()
	var empty []string
	var look func(reflect.Type)
	look = func(settings reflect.Type) {
		for field := range settings.Fields() {
			switch name := field.Tag.Get("env"); {
			case field.Anonymous:
				look(field.Type)
			case name != "ECHOLOT_DATA_DIR" && name != "ECHOLOT_LISTEN": // their defaults are for one program at a time
				empty = append(empty, name+"=")
			}
		}
	}
	look(reflect.TypeFor[serveConfig]())
	p := launch(t, nil, empty...)
	p.waitSaid("that it serves, in the default's text and not the kit's JSON", regexp.MustCompile(`msg=serving url="?http://127\.0\.0\.1:`))
	p.signal(syscall.SIGTERM)
	if code := p.wait(patience); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
}

// TestBinaryWithoutAssets: a program that was built before its pages' script refuses to start and says what to run.
func TestBinaryWithoutAssets(t *testing.T) {
	t.Parallel()
	dist, err := filepath.Abs("../static/dist")
	if err != nil {
		t.Fatal(err)
	}
	// For the compiler there are no such files; everything else is as it is, and mostly built already.
	gone := map[string]string{}
	for _, name := range []string{"app.js", "app.css", "favicon.svg"} {
		gone[filepath.Join(dist, name)] = ""
	}
	overlay, err := json.Marshal(map[string]any{"Replace": gone})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	// Without the race detector, whatever the test itself was built with: make test builds almost all of it so for other tests.
	args := []string{"build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", filepath.Join(dir, "echolot"), "."}
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go %q: %v\n%s", args, err, out)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "echolot"), "serve")
	cmd.Env = append(os.Environ(), "ECHOLOT_DATA_DIR="+filepath.Join(dir, "data"), "ECHOLOT_LISTEN=127.0.0.1:0")
	out, err := cmd.CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "run make assets") {
		t.Errorf("got %v, %q, want a refusal in one line that says what to run", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("it made a data directory before it refused")
	}
}

// TestHelp: every setting is listed with its variable and, where it has one, its default.
func TestHelp(t *testing.T) {
	r := runProgram(t, nil, "", "serve", "--help")
	if r.code != 0 {
		t.Fatalf("got code %d, stderr %q", r.code, r.stderr)
	}
	text := regexp.MustCompile(`\s+`).ReplaceAllString(r.stdout, " ")
	listed := 0
	var look func(reflect.Type)
	look = func(settings reflect.Type) {
		for field := range settings.Fields() {
			if field.Anonymous {
				look(field.Type)
				continue
			}
			listed++
			tag := field.Tag
			for _, want := range []string{"$" + tag.Get("env"), tag.Get("default")} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: the help does not show %q", field.Name, want)
				}
			}
			if !strings.HasPrefix(tag.Get("env"), "ECHOLOT_") || len(tag.Get("help")) < 10 {
				t.Errorf("%s: got %q, want a variable and a help", field.Name, tag)
			}
		}
	}
	look(reflect.TypeFor[serveConfig]())
	if listed < 15 {
		t.Errorf("got %d settings, want all of them", listed)
	}
}

// TestTwoInstances: of two on one database one probes and the other serves pages that follow; when the first stops, the
// second takes over.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t)
	settings := []string{"ECHOLOT_DATABASE_URL=" + url, "ECHOLOT_DATA_DIR=" + t.TempDir()}
	by := admin(t, settings...)
	first := serve(t, settings...)
	probing := func(p *program, want string) {
		t.Helper()
		eventually(t, "probing "+want, func() (bool, string) {
			a := p.ask("", "GET", "/readyz", "")
			return a.status == 200 && strings.Contains(a.body, `"probing":"`+want+`"`), a.body
		})
	}
	probing(first, "active")
	second := serve(t, settings...)
	probing(second, "standby")

	all := openStreams(t, second, by.token, 1)
	events := watchEvents(t, second, by.token)
	id := second.addMonitor(by.token, "By the second", "127.0.0.1", 1)
	second.waitState(by.token, id, "up")
	first.waitState(by.token, id, "up")
	events.wait("check")
	if !strings.Contains(second.page(by, "/monitors/"+id), `data-testid="check-row"`) {
		t.Error("the page of the instance that stands by shows no check")
	}
	if strings.Contains(second.said(), `"msg":"probing"`) {
		t.Errorf("the second instance probes too:\n%s", second.said())
	}

	first.stop()
	probing(second, "active")
	events.forget()
	events.wait("check")
	second.signal(syscall.SIGTERM)
	if code := second.wait(patience); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
	all.finished.Wait()
}
