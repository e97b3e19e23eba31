package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// benchProgram is the real binary, built as make build does, with its own data directory.
type benchProgram struct {
	b         *testing.B
	bin, data string
	addr      string
	settings  []string // beside those that all have
	cmd       *exec.Cmd
}

func newBenchProgram(b *testing.B) *benchProgram {
	b.Helper()
	p := &benchProgram{b: b, bin: filepath.Join(b.TempDir(), "echolot"), data: b.TempDir()}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", p.bin, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("building: %v\n%s", err, out)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	p.addr = ln.Addr().String()
	if err := ln.Close(); err != nil {
		b.Fatal(err)
	}
	return p
}

func (p *benchProgram) env() []string {
	return append(append(os.Environ(), "ECHOLOT_DATA_DIR="+p.data, "ECHOLOT_LISTEN="+p.addr, "ECHOLOT_API_RATE_LIMIT=0", "ECHOLOT_LOG_LEVEL=warn", "ECHOLOT_SENTINELS=no-gateway"), p.settings...)
}

// start runs the program and returns how long it took to be ready.
func (p *benchProgram) start() time.Duration {
	p.b.Helper()
	p.cmd = exec.Command(p.bin, "serve")
	p.cmd.Env = p.env()
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		p.b.Fatal(err)
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := begin.Add(30 * time.Second); time.Now().Before(deadline); <-tick.C {
		resp, err := http.Get("http://" + p.addr + "/readyz")
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return time.Since(begin)
		}
	}
	p.b.Fatal("not ready within 30 s")
	return 0
}

func (p *benchProgram) stop() {
	p.b.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.b.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.b.Fatalf("stopping: %v", err)
	}
}

// command runs one of the program's other commands and returns what it printed.
func (p *benchProgram) command(stdin string, args ...string) string {
	p.b.Helper()
	cmd := exec.Command(p.bin, args...)
	cmd.Env, cmd.Stdin = p.env(), strings.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		p.b.Fatalf("echolot %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}

// fill makes an administrator and n monitors checked every so many seconds, and returns a token.
func (p *benchProgram) fill(n, seconds int) string {
	p.b.Helper()
	p.command("correct horse battery\n", "user", "create", "--email", "bench@example.com", "--role", "admin", "--password-stdin")
	token := p.command("", "token", "create", "--name", "bench", "--email", "bench@example.com")
	for i := range n {
		body := fmt.Sprintf(`{"customerId":1,"name":"Host %d","hostname":"127.%d.%d.%d","checkIntervalSeconds":%d}`, i, 1+i/62500, i/250%250, 1+i%250, seconds)
		p.post("/api/icmp-monitors", token, body)
	}
	return token
}

// signIn returns a session of the administrator's.
func (p *benchProgram) signIn() string {
	p.b.Helper()
	var login struct{ Token string }
	if err := json.Unmarshal(p.post("/api/auth/login", "", `{"email":"bench@example.com","password":"correct horse battery"}`), &login); err != nil {
		p.b.Fatal(err)
	}
	return login.Token
}

func (p *benchProgram) post(path, token, body string) []byte {
	p.b.Helper()
	return p.send("POST", path, token, body)
}

func (p *benchProgram) send(method, path, token, body string) []byte {
	p.b.Helper()
	status, answer := p.try(method, path, token, body)
	if status/100 != 2 {
		p.b.Fatalf("%s %s: got %d %s", method, path, status, answer)
	}
	return answer
}

func (p *benchProgram) try(method, path, token, body string) (status int, answer []byte) {
	p.b.Helper()
	req, err := http.NewRequest(method, "http://"+p.addr+path, strings.NewReader(body))
	if err != nil {
		p.b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if answer, err = io.ReadAll(resp.Body); err != nil {
		p.b.Fatal(err)
	}
	return resp.StatusCode, answer
}

// rss is the resident memory in bytes, cpu the time used so far.
func (p *benchProgram) rss() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		p.b.Fatal(err)
	}
	pages, _ := strconv.Atoi(strings.Fields(string(b))[1])
	return float64(pages * os.Getpagesize())
}

// peak is the most memory that was resident so far, in bytes.
func (p *benchProgram) peak() float64 {
	p.b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.b.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kib, _ := strconv.Atoi(strings.Fields(string(rest))[0])
			return float64(kib) * 1024
		}
	}
	p.b.Fatal("the system does not tell the most memory")
	return 0
}

func (p *benchProgram) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.b.Fatal(err)
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+2:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}

const mib = 1 << 20

// BenchmarkStart measures the binary's size and the time from start to /readyz, on a database that exists.
func BenchmarkStart(b *testing.B) {
	p := newBenchProgram(b)
	info, err := os.Stat(p.bin)
	if err != nil {
		b.Fatal(err)
	}
	first := p.start()
	p.stop()
	var total time.Duration
	for b.Loop() {
		total += p.start()
		p.stop()
	}
	b.ReportMetric(float64(info.Size())/mib, "MiB-binary")
	b.ReportMetric(first.Seconds()*1000, "ms-first-start")
	b.ReportMetric(total.Seconds()*1000/float64(b.N), "ms-to-readyz")
}

// BenchmarkIdle measures memory and CPU with 100 monitors at 60 s and nobody signed in, over 30 s.
func BenchmarkIdle(b *testing.B) {
	const watch = 30 * time.Second
	p := newBenchProgram(b)
	p.start()
	p.fill(100, 60)
	p.stop()
	p.start() // nobody has signed in to this process
	defer p.stop()
	settle, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	<-settle.Done()
	cancel()
	for b.Loop() {
		before := p.cpu()
		window, cancel := context.WithTimeout(context.Background(), watch)
		<-window.Done()
		cancel()
		b.ReportMetric(100*(p.cpu()-before).Seconds()/watch.Seconds(), "%core")
		b.ReportMetric(p.rss()/mib, "MiB-rss")
	}
}

// BenchmarkListUnderLoad asks for the first page of 50 rows of 10,000 monitors with wrk beside it on the same machine.
func BenchmarkListUnderLoad(b *testing.B) {
	p := newBenchProgram(b)
	p.start()
	defer p.stop()
	token := p.fill(10_000, 86400)
	session := p.signIn()
	for _, c := range []struct{ name, path, header string }{
		{"page", "/monitors", "Cookie: sid=" + session},
		{"api", "/api/icmp-monitors", "Authorization: Bearer " + token},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				out, err := exec.Command("wrk", "-t1", "-c16", "-d8s", "--latency", "-H", c.header, "http://"+p.addr+c.path).CombinedOutput()
				if err != nil {
					b.Fatalf("wrk: %v\n%s", err, out)
				}
				if bytes.Contains(out, []byte("Non-2xx")) {
					b.Fatalf("not every answer was good:\n%s", out)
				}
				b.ReportMetric(wrkRate(b, string(out)), "req/s")
			}
		})
	}
}

func wrkRate(b *testing.B, out string) float64 {
	_, after, ok := strings.Cut(out, "Requests/sec:")
	if !ok {
		b.Fatalf("wrk printed no rate:\n%s", out)
	}
	rate, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return rate
}
