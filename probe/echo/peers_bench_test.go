//go:build linux

package echo_test

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// rounds of everything beside each other: the machine is another one a minute later.
const rounds = 5

// family is what is measured for IPv4 and for IPv6.
type family struct {
	name, first string
	addresses   string // a file
	// µs of CPU: an echo of the tight loop in C, a check of everything else.
	limit, kernel, user, written, fping, unprivileged, raw []float64
	share, shareUser, toFping, toUnprivileged, toRaw       []float64
	// a second of wall clock
	limitRate, kernelRate, fpingRate []float64
}

// BenchmarkSideBySide compares the engine with the kernel's own limit, fping, pro-bing and a forked ping: the same checks of
// three packets of 56 bytes to 20,000 addresses of this machine, the CPU of whole processes.
func BenchmarkSideBySide(tb *testing.B) {
	b := newBench(tb)
	limit := b.limit()
	families := []*family{{name: "4", first: all4}, {name: "6", first: all6}}
	for _, f := range families {
		f.addresses = b.addresses(f.first)
	}
	var forked, toForked, allocs, perMinute []float64
	for b.Loop() {
		for range rounds {
			for _, f := range families {
				b.round(f, limit)
			}
			// Slots and what is kept of each target are made once.
			steady := work{Prober: "echo", Warm: 2 * targets, Checks: targets, AtOnce: 1_000, Interval: 10 * time.Millisecond}
			allocs = append(allocs, b.engine(steady).Allocs)
			const pings = 200
			d := b.work(work{Prober: "ping", Checks: pings, AtOnce: 10, Interval: 10 * time.Millisecond})
			forked = append(forked, perCheck(d.Whole, pings))
			kernel := last(families[0].kernel)
			toForked = append(toForked, last(forked)/kernel)
			perMinute = append(perMinute, 60e6/kernel/1e6)
		}
	}
	v4, v6 := families[0], families[1]
	b.family(v4, "")
	b.atLeast(100, "×", "a forked ping a check needs more CPU, times", 0, toForked...)
	b.atLeast(2.5, "M", "checks a minute and core, saturated, kernel stamps", 2, perMinute...)
	b.atMost(0, "", "allocations a check, saturated", 4, allocs...)
	b.family(v6, "IPv6: ")
	b.atMost(1.3, "×", "IPv6 to IPv4: CPU a check, kernel stamps", 2, ratios(v6.kernel, v4.kernel)...)
	b.atMost(1.3, "×", "IPv6 to IPv4: CPU a check, user stamps", 2, ratios(v6.user, v4.user)...)
	b.atMost(1.3, "×", "IPv6 to IPv4: CPU a check, results delivered", 2, ratios(v6.written, v4.written)...)
	for _, f := range families {
		v := "IPv" + f.name + " CPU: "
		b.plain("µs", v+"3 echoes of the kernel's limit", 1, f.limit...)
		b.plain("µs", v+"a check of the engine, kernel stamps", 1, f.kernel...)
		b.plain("µs", v+"a check of the engine, user stamps", 1, f.user...)
		b.plain("µs", v+"a check of the engine, kernel stamps, a process for 20,000 lines", 1, f.written...)
		b.plain("µs", v+"a check of fping, a process for 20,000 lines", 1, f.fping...)
		b.plain("µs", v+"a check of pro-bing, unprivileged, 1,000 at once", 0, f.unprivileged...)
		b.plain("µs", v+"a check of pro-bing, raw, 1,000 at once", 0, f.raw...)
		b.plain("k/s", v+"echoes of the kernel's limit, wall clock", 0, f.limitRate...)
		b.plain("k/s", v+"echoes of the engine, kernel stamps, wall clock", 0, f.kernelRate...)
		b.plain("k/s", v+"echoes of fping, wall clock", 0, f.fpingRate...)
	}
	b.plain("µs", "CPU: a check by a forked ping", 0, forked...)
	b.print("The engine beside others")
}

func last(v []float64) float64 { return v[len(v)-1] }

func ratios(a, b []float64) (out []float64) {
	for i := range a {
		out = append(out, a[i]/b[i])
	}
	return out
}

// family adds the rows of the first three lines.
func (b *bench) family(f *family, prefix string) {
	b.atLeast(70, "%", prefix+"share of the kernel's limit, kernel stamps", 1, f.share...)
	b.atLeast(80, "%", prefix+"share of the kernel's limit, stamp per packet", 1, f.shareUser...)
	b.atMost(0.80, "×", prefix+"CPU a check to fping's, 20,000 × 3, results delivered", 2, f.toFping...)
	b.atLeast(5, "×", prefix+"pro-bing unprivileged needs more CPU, times", 1, f.toUnprivileged...)
	b.atLeast(25, "×", prefix+"pro-bing raw needs more CPU, times", 1, f.toRaw...)
}

// round measures everything once, one after another.
func (b *bench) round(f *family, limit string) {
	b.Helper()
	const interval = 10 * time.Millisecond // between two packets to one target, for all
	first := netip.MustParseAddr(f.first)
	least, rate := 0.0, 0.0
	for _, mode := range []string{"raw", "datagram"} {
		const echoes = 192_000
		begin := time.Now()
		out, used := b.run(exec.Command(limit, b.pin(), f.name, mode, fmt.Sprint(echoes), f.first, fmt.Sprint(targets)))
		if got := strings.TrimSpace(string(out)); got != fmt.Sprint(echoes) {
			b.Fatalf("limit: got %s replies, want %d", got, echoes)
		}
		if three := 3 * perCheck(used, echoes); least == 0 || three < least {
			least = three
		}
		rate = max(rate, echoes/1e3/time.Since(begin).Seconds())
	}
	f.limit, f.limitRate = append(f.limit, least), append(f.limitRate, rate)

	saturated := work{Prober: "echo", First: first, Checks: 3 * targets, AtOnce: targets, Interval: interval}
	kernel := b.engine(saturated)
	f.kernel = append(f.kernel, perCheck(kernel.Whole, saturated.Checks))
	f.kernelRate = append(f.kernelRate, 3*float64(saturated.Checks)/1e3/kernel.Wall.Seconds())
	saturated.UserStamps = true
	f.user = append(f.user, perCheck(b.engine(saturated).Whole, saturated.Checks))
	f.share = append(f.share, 100*least/last(f.kernel))
	f.shareUser = append(f.shareUser, 100*least/last(f.user))

	written := b.engine(work{Prober: "echo", First: first, Checks: targets, AtOnce: targets, Interval: interval, Lines: os.DevNull})
	f.written = append(f.written, perCheck(written.Whole, targets))
	fping := exec.Command("fping", "-q", "-i", "0", "-p", "10", "-c", "3", "-f", f.addresses)
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		defer null.Close()
		fping.Stderr = null // where it writes its lines to
	}
	begin := time.Now()
	_, used := b.run(fping)
	f.fping = append(f.fping, perCheck(used, targets))
	f.fpingRate = append(f.fpingRate, 3*targets/1e3/time.Since(begin).Seconds())
	f.toFping = append(f.toFping, last(f.written)/last(f.fping))

	many := work{Prober: "pro-bing", First: first, Checks: 2_000, AtOnce: 1_000, Interval: interval}
	f.unprivileged = append(f.unprivileged, perCheck(b.work(many).Whole, many.Checks))
	many.Checks, many.Raw = 1_000, true
	f.raw = append(f.raw, perCheck(b.work(many).Whole, many.Checks))
	f.toUnprivileged = append(f.toUnprivileged, last(f.unprivileged)/last(f.kernel))
	f.toRaw = append(f.toRaw, last(f.raw)/last(f.kernel))
}

// engine runs the engine and sees that it missed nothing.
func (b *bench) engine(w work) done {
	b.Helper()
	d := b.work(w)
	if d.Full != w.Checks || d.Overflowed != 0 {
		b.Errorf("the engine: %d of %d checks were answered in full, %d packets lost, %d not sent, %d overflowed",
			d.Full, w.Checks, d.Lost, d.NotSent, d.Overflowed)
	}
	return d
}

// pin is the core that the tight loop is kept on: the last one, as the first has most of the interrupts.
func (b *bench) pin() string { return "1" }
