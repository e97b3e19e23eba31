// Package lab is a network laboratory for tests: network namespaces with routes and cables of their own, a DNS server
// with scripted answers, targets that answer echo requests as badly as wanted, a router, and a capture of what really left.
//
// Nothing of it touches the machine's own network. It needs Linux, iproute2, and root or `unshare -Urn`.
package lab

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// insideEnv names the test that a child process is to run in its namespace.
const insideEnv = "ECHOLOT_LAB_TEST"

// childTimeout ends a child that hangs; no test of the laboratory takes a third of it, even on a busy machine. The long forms of `make soak` have soakTimeout.
const (
	childTimeout = 5 * time.Minute
	soakTimeout  = 15 * time.Minute
)

// Inside runs body in a new network namespace in which only lo is up: it starts the test binary again with nothing but
// the calling test, as a child process with CLONE_NEWNET, and there calls body. It must be the only thing that the test
// does. The child's failure is the test's. The test becomes a parallel one: these wait more than they work.
func Inside(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(insideEnv) == t.Name() {
		IP(t, "link", "set", "lo", "up")
		body(t)
		return
	}
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Fatal("this test makes network namespaces: run it as root or within `unshare -Urn`")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Fatal("this test needs the Debian package iproute2")
	}
	timeout := childTimeout
	if os.Getenv("ECHOLOT_SOAK") != "" {
		timeout = soakTimeout
	}
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe",
		"-test.run="+pattern, "-test.v", "-test.count=1", "-test.timeout="+timeout.String())
	cmd.Env = append(os.Environ(), insideEnv+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Fatalf("in the namespace: %v\n%s", err, out)
	}
	if testing.Verbose() {
		t.Logf("%s", out)
	}
}

// IP runs iproute2's ip in this namespace.
func IP(t testing.TB, args ...string) {
	t.Helper()
	if err := ip(args); err != nil {
		t.Fatal(err)
	}
}

func ip(args []string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// Sysctl sets a setting of this namespace, such as net.ipv4.ping_group_range.
func Sysctl(t testing.TB, name, value string) {
	t.Helper()
	if err := sysctl(name, value); err != nil {
		t.Fatal(err)
	}
}

func sysctl(name, value string) error {
	path := filepath.Join("/proc/sys", strings.ReplaceAll(name, ".", "/"))
	return os.WriteFile(path, []byte(value), 0o644)
}

// AllowDatagram lets this process open datagram ICMP sockets; in a new namespace nobody may. There is no way back: within
// a user namespace no group is left to give the right to.
func AllowDatagram(t testing.TB) {
	t.Helper()
	Sysctl(t, "net.ipv4.ping_group_range", "0 0")
}

// WithoutRaw runs f on a thread without CAP_NET_RAW. Goroutines that f starts keep it.
func WithoutRaw(t testing.TB, f func()) {
	t.Helper()
	onThread(t, func() error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var sets [2]unix.CapUserData
		if err := unix.Capget(&header, &sets[0]); err != nil {
			return fmt.Errorf("capget: %w", err)
		}
		sets[0].Effective &^= 1 << unix.CAP_NET_RAW
		sets[0].Permitted &^= 1 << unix.CAP_NET_RAW
		sets[0].Inheritable &^= 1 << unix.CAP_NET_RAW
		if err := unix.Capset(&header, &sets[0]); err != nil {
			return fmt.Errorf("capset: %w", err)
		}
		return nil
	}, f)
}

// onThread prepares a thread by enter, runs f on it and throws the thread away.
func onThread(t testing.TB, enter func() error, f func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the runtime ends the thread with the goroutine
		err := enter()
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// Peer is another network namespace, held by a child process: the machine at the other end of a cable.
type Peer struct {
	t   testing.TB
	pid int
}

// NewPeer makes a Peer that lasts as long as the test.
func NewPeer(t testing.TB) *Peer {
	t.Helper()
	cmd := exec.Command("cat") // ends by itself when our end of the pipe closes
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatalf("start a process with a network namespace: %v", err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	p := &Peer{t: t, pid: cmd.Process.Pid}
	p.IP("link", "set", "lo", "up")
	return p
}

// Do runs f on a thread within the peer's namespace: sockets that f itself opens are the peer's. f must not end the test.
func (p *Peer) Do(f func()) {
	p.t.Helper()
	onThread(p.t, func() error {
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", p.pid))
		if err != nil {
			return err
		}
		defer ns.Close()
		return unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
	}, f)
}

// IP runs iproute2's ip in the peer's namespace.
func (p *Peer) IP(args ...string) {
	p.t.Helper()
	var err error
	p.Do(func() { err = ip(args) })
	if err != nil {
		p.t.Fatal(err)
	}
}

// Sysctl sets a setting of the peer's namespace.
func (p *Peer) Sysctl(name, value string) {
	p.t.Helper()
	var err error
	p.Do(func() { err = sysctl(name, value) })
	if err != nil {
		p.t.Fatal(err)
	}
}

// Cable joins this namespace and the peer's: a veth pair, near here and far there, both up, without addresses.
func (p *Peer) Cable(near, far string) {
	p.t.Helper()
	IP(p.t, "link", "add", near, "type", "veth", "peer", "name", far)
	IP(p.t, "link", "set", far, "netns", fmt.Sprint(p.pid))
	IP(p.t, "link", "set", near, "up")
	p.IP("link", "set", far, "up")
}
