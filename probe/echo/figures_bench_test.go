//go:build linux

package echo_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"echolot/probe/lab"
)

// The targets are this machine's own, within a network namespace of the benchmark's.
const (
	targets = 20_000
	all4    = "127.1.0.0"
	all6    = "fd00::1:0:0"
)

// bench is a network namespace and the table that is printed of what was measured in it.
type bench struct {
	*testing.B
	peer *lab.Peer
	load string // of the machine, before
	rows []row
}

// row is one line of the table.
type row struct {
	what     string
	unit     string
	values   []float64 // of the rounds; the median counts
	asked    float64   // 0 = nothing is asked
	most     bool      // asked is the most, else the least
	decimals int
}

func newBench(b *testing.B) *bench {
	b.Helper()
	if os.Geteuid() != 0 {
		b.Skip("this makes network namespaces: run it as root or within `unshare -Urn`")
	}
	p := lab.NewPeer(b)
	p.Sysctl("net.ipv4.ping_group_range", "0 0")
	p.IP("-6", "route", "add", "local", "fd00::/64", "dev", "lo")
	load, _ := os.ReadFile("/proc/loadavg") // only for the table
	return &bench{B: b, peer: p, load: strings.TrimSpace(string(load))}
}

// run runs a command in the namespace. It returns what it printed and the CPU that it used, with that of the processes
// which it waited for itself.
func (b *bench) run(cmd *exec.Cmd) (out []byte, used time.Duration) {
	b.Helper()
	var errors strings.Builder
	var err error
	if cmd.Stderr == nil {
		cmd.Stderr = &errors
	}
	b.peer.Do(func() { out, err = cmd.Output() })
	if err != nil {
		b.Fatalf("%s: %v\n%s%s", cmd.Path, err, out, errors.String())
	}
	return out, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// work has a process of its own do the work.
func (b *bench) work(w work) done {
	b.Helper()
	if !w.First.IsValid() {
		w.First = netip.MustParseAddr(all4)
	}
	if w.Targets == 0 {
		w.Targets = targets
	}
	if w.Count == 0 {
		w.Count = 3
	}
	if w.Timeout == 0 {
		w.Timeout = 10 * time.Second
	}
	text, err := json.Marshal(w)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), workVar+"="+string(text))
	out, used := b.run(cmd)
	var d done
	if err := json.Unmarshal(out, &d); err != nil {
		b.Fatalf("the worker printed %q: %v", out, err)
	}
	d.Whole = used
	return d
}

// atLeast, atMost and plain add a row with the values of all rounds.
func (b *bench) atLeast(asked float64, unit, what string, decimals int, values ...float64) {
	b.rows = append(b.rows, row{what, unit, values, asked, false, decimals})
}

func (b *bench) atMost(asked float64, unit, what string, decimals int, values ...float64) {
	b.rows = append(b.rows, row{what, unit, values, asked, true, decimals})
}

func (b *bench) plain(unit, what string, decimals int, values ...float64) {
	b.rows = append(b.rows, row{what, unit, values, 0, false, decimals})
}

// median is the middle value, or the mean of both.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// print prints the table, good or bad; the benchmark's own line counts what was reached.
func (b *bench) print(title string) {
	var t strings.Builder
	reached, missed := 0, 0
	fmt.Fprintf(&t, "\n%s\n%s\n", title, machine(b.load))
	for _, r := range b.rows {
		m := median(r.values)
		fmt.Fprintf(&t, "  %-72s %9.*f %-9s", r.what, r.decimals, m, r.unit)
		if len(r.values) > 1 {
			fmt.Fprintf(&t, " %.*f..%.*f", r.decimals, slices.Min(r.values), r.decimals, slices.Max(r.values))
		}
		if r.asked != 0 || r.most {
			sign, verdict := "≥", "reached"
			if r.most {
				sign = "≤"
			}
			if m < r.asked != r.most && m != r.asked {
				verdict = "MISSED"
				missed++
			} else {
				reached++
			}
			fmt.Fprintf(&t, "  asked %s %.*f: %s", sign, r.decimals, r.asked, verdict)
		}
		t.WriteByte('\n')
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(reached), "reached")
	b.ReportMetric(float64(missed), "missed")
	fmt.Print(t.String())
}

// machine says what the figures are of.
func machine(load string) string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	model := "unknown CPU"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	version := func(command ...string) string {
		out, err := exec.Command(command[0], command[1:]...).Output()
		if err != nil {
			return command[0] + " unknown"
		}
		first, _, _ := strings.Cut(string(out), "\n")
		return strings.TrimSpace(first)
	}
	return fmt.Sprintf("%s, %d cores; Linux %s; %s; %s; %s; load before %s; %s",
		model, runtime.NumCPU(), unix.ByteSliceToString(u.Release[:]), runtime.Version(), version("fping", "--version"), version("ping", "-V"),
		load, time.Now().UTC().Format(time.RFC3339))
}

// limit compiles the tight loop in C.
func (b *bench) limit() string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "limit")
	if out, err := exec.Command("gcc", "-O2", "-Wall", "-o", path, "testdata/limit.c").CombinedOutput(); err != nil {
		b.Fatalf("gcc: %v\n%s", err, out)
	}
	return path
}

// addresses writes the targets to a file, one a line.
func (b *bench) addresses(first string) string {
	b.Helper()
	var text strings.Builder
	w := work{First: netip.MustParseAddr(first), Targets: targets}
	for i := range targets {
		fmt.Fprintln(&text, w.target(i))
	}
	path := filepath.Join(b.TempDir(), "addresses")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// perCheck is microseconds for each of n.
func perCheck(d time.Duration, n int) float64 { return float64(d) / 1e3 / float64(n) }
