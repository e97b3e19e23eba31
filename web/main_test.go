package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"echolot/models/modelstest"
)

// programVar makes this test binary the program itself, so that the tests run all of it as a process of its own, built
// like the tests are: with the race detector where they have it.
const programVar = "TEST_AS_ECHOLOT"

func TestMain(m *testing.M) {
	if os.Getenv(programVar) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(modelstest.Main(m))
}

// patience is how long a test waits for what should be there in a moment; the machine may be busy.
const patience = 30 * time.Second

// program is a running `echolot serve`.
type program struct {
	t   testing.TB
	cmd *exec.Cmd
	// url is where it serves; setup is the link of the first start, empty where there is none.
	url, setup string
	ended      chan struct{} // closed when the process has ended

	mu  sync.Mutex
	log strings.Builder
}

// command is the program with arguments and settings. Nothing of the surroundings' settings reaches it.
func command(ctx context.Context, settings []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ECHOLOT_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, programVar+"=1"), settings...)
	return cmd
}

// ended is what came of a command that ran to its end.
type ended struct {
	stdout, stderr string
	code           int
}

// runProgram runs a command of the program to its end.
func runProgram(t testing.TB, settings []string, stdin string, args ...string) ended {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command(ctx, settings, args...)
	var stdout, stderr strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ended{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// serve starts the program on a free port and waits until it serves. Settings are NAME=value and come after the kit's own.
// It is killed after the test if it still runs then.
func serve(t testing.TB, settings ...string) *program {
	t.Helper()
	p := launch(t, nil, settings...)
	p.waitServing()
	return p
}

// launch starts the program and does not wait. The change, where there is one, is made before it starts.
func launch(t testing.TB, change func(*exec.Cmd), settings ...string) *program {
	t.Helper()
	kit := []string{"ECHOLOT_DATA_DIR=" + t.TempDir(), "ECHOLOT_LISTEN=127.0.0.1:0", "ECHOLOT_LOG_FORMAT=json", "ECHOLOT_API_RATE_LIMIT=0",
		"ECHOLOT_SENTINELS=no-gateway"} // the machine's own network is none of the tests' business
	p := &program{t: t, cmd: command(context.Background(), append(kit, settings...), "serve"), ended: make(chan struct{})}
	if change != nil {
		change(p.cmd)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.follow(stderr)
	t.Cleanup(func() {
		select {
		case <-p.ended:
		default:
			p.cmd.Process.Kill()
			<-p.ended
		}
		if t.Failed() {
			t.Logf("what the program said:\n%s", p.said())
		}
		if strings.Contains(p.said(), "DATA RACE") {
			t.Error("the program has a data race")
		}
	})
	return p
}

func (p *program) follow(stderr io.Reader) {
	defer close(p.ended)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.log.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
	}
	p.cmd.Wait()
}

// said is everything that the program has written to stderr.
func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// waitServing waits for the line that tells where it serves.
func (p *program) waitServing() {
	p.t.Helper()
	serving := regexp.MustCompile(`"msg":"serving","url":"([^"]+)"`)
	p.waitSaid("that it serves", serving)
	p.url = serving.FindStringSubmatch(p.said())[1]
	p.setup = regexp.MustCompile(`http://\S+/setup/\S+|$`).FindString(p.said())
}

// waitSaid waits until the program has written what the pattern finds.
func (p *program) waitSaid(what string, pattern *regexp.Regexp) {
	p.t.Helper()
	eventually(p.t, what, func() (bool, string) {
		select {
		case <-p.ended:
			if !pattern.MatchString(p.said()) {
				p.t.Fatalf("the program ended with code %d before it said %s:\n%s", p.cmd.ProcessState.ExitCode(), what, p.said())
			}
		default:
		}
		return pattern.MatchString(p.said()), p.said()
	})
}

// signal sends a signal.
func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait returns the exit code, -1 where a signal ended the process, and fails where it takes longer than limit.
func (p *program) wait(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		p.t.Fatalf("the program still runs after %s:\n%s", limit, p.said())
		return -1
	}
}

// stop ends the program in order.
func (p *program) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(20 * time.Second); code != 0 {
		p.t.Fatalf("got exit code %d, want 0:\n%s", code, p.said())
	}
}

// account is somebody who may use the program.
type account struct{ email, password, token string }

// admin makes an administrator and a token by the command line, which share the program's database.
func admin(t testing.TB, settings ...string) account {
	t.Helper()
	a := account{email: "admin@example.com", password: "correct horse battery"}
	if r := runProgram(t, settings, a.password+"\n", "user", "create", "--email", a.email, "--role", "admin", "--password-stdin"); r.code != 0 || r.stdout != "" {
		t.Fatalf("user create: got code %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
	}
	r := runProgram(t, settings, "", "token", "create", "--name", "test", "--email", a.email)
	if r.code != 0 || !regexp.MustCompile(`^wsm_[A-Za-z0-9_-]{40,}\n$`).MatchString(r.stdout) {
		t.Fatalf("token create: got code %d, stdout %q, stderr %q; want the token alone", r.code, r.stdout, r.stderr)
	}
	a.token = strings.TrimSpace(r.stdout)
	return a
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// decode reads the JSON body into v.
func (a answer) decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("got %d %q: %v", a.status, a.body, err)
	}
}

// ask sends a request with a token, if it is not empty, and JSON, if there is a body.
func (p *program) ask(token, method, path, body string) answer {
	p.t.Helper()
	a, err := p.try(token, method, path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

func (p *program) try(token, method, path, body string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return receive(r)
}

// receive sends the request and follows no redirect.
func receive(r *http.Request) (answer, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b)}, err
}

// addMonitor makes a monitor of the first customer and returns its publicId.
func (p *program) addMonitor(token, name, host string, seconds int) string {
	p.t.Helper()
	a := p.ask(token, "POST", "/api/icmp-monitors", fmt.Sprintf(
		`{"customerId":1,"name":%q,"hostname":%q,"checkIntervalSeconds":%d,"timeoutSeconds":%d,"icmpConfig":{"count":1}}`, name, host, seconds, min(seconds, 5)))
	if a.status != 201 {
		p.t.Fatalf("adding a monitor: got %d %s", a.status, a.body)
	}
	var m struct{ PublicID string }
	a.decode(p.t, &m)
	return m.PublicID
}

// waitState waits until the API tells the state.
func (p *program) waitState(token, publicID, want string) {
	p.t.Helper()
	eventually(p.t, "state "+want, func() (bool, string) {
		a := p.ask(token, "GET", "/api/icmp-monitors/"+publicID, "")
		var m struct{ State string }
		a.decode(p.t, &m)
		return m.State == want, a.body
	})
}

// eventually asks until the condition holds. The text is what was seen last, for the message.
func eventually(t testing.TB, what string, holds func() (bool, string)) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, got := holds()
		if ok {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("waited %s for %s; last seen:\n%s", patience, what, got)
		case <-tick.C:
		}
	}
}
