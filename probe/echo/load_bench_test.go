//go:build linux

package echo_test

import (
	"testing"
	"time"
)

// loadRounds is how often each load is measured, one after another; the median counts.
const loadRounds = 3

// BenchmarkRealistic is a hundred thousand monitors at 60 s, spread evenly, three packets a second apart: 1,667 checks begin
// each second, and each lasts two.
func BenchmarkRealistic(tb *testing.B) {
	b := newBench(tb)
	const rate, checks = 100_000.0 / 60, 8 * 100_000 / 60
	var cores, heap, rss, inFlight, allocs []float64
	for b.Loop() {
		for range loadRounds {
			d := b.engine(work{Prober: "echo", Targets: 100_000, Rate: rate, Warm: 5_000, Checks: checks, Interval: time.Second})
			cores = append(cores, d.CPU.Seconds()/d.Wall.Seconds())
			heap, rss = append(heap, float64(d.Heap)/1e6), append(rss, float64(d.RSS)/1e6)
			inFlight, allocs = append(inFlight, float64(d.InFlight)), append(allocs, d.Allocs)
		}
	}
	b.atMost(0.10, "cores", "100,000 monitors at 60 s, packets 1 s apart", 3, cores...)
	b.atMost(20, "MB", "their heap", 1, heap...)
	b.plain("MB", "most that was resident, the test binary's own with it", 1, rss...)
	b.plain("checks", "in flight at most", 0, inFlight...)
	b.plain("", "allocations a check, the collection at the end with them", 3, allocs...)
	b.print("A hundred thousand monitors, kernel stamps, all of the process but its start")
}

// BenchmarkIdleEngine is a thousand monitors at 60 s, three packets a second apart.
func BenchmarkIdleEngine(tb *testing.B) {
	b := newBench(tb)
	const rate, checks = 1_000.0 / 60, 12 * 1_000 / 60
	var share []float64
	for b.Loop() {
		for range loadRounds {
			d := b.engine(work{Prober: "echo", Targets: 1_000, Rate: rate, Warm: 40, Checks: checks, Interval: time.Second})
			share = append(share, 100*d.CPU.Seconds()/d.Wall.Seconds())
		}
	}
	b.atMost(0.3, "% of a core", "1,000 monitors at 60 s, packets 1 s apart", 2, share...)
	b.print("An idle engine, kernel stamps, all of the process but its start")
}

// BenchmarkFalseLoss has 90,000 checks in flight with the receive buffer that the system gives: no reply may be lost here.
func BenchmarkFalseLoss(tb *testing.B) {
	b := newBench(tb)
	const rate = 31_000
	var lost, notSent, overflowed, inFlight, cores []float64
	for b.Loop() {
		for range loadRounds {
			d := b.work(work{Prober: "echo", Rate: rate, Checks: 4 * rate, Count: 4, Interval: time.Second, Buffer: -1})
			lost, notSent = append(lost, float64(d.Lost)), append(notSent, float64(d.NotSent))
			overflowed, inFlight = append(overflowed, float64(d.Overflowed)), append(inFlight, float64(d.InFlight))
			cores = append(cores, d.CPU.Seconds()/d.Wall.Seconds())
		}
	}
	b.atMost(0, "packets", "falsely lost, in all rounds together", 0, sum(lost))
	b.atMost(0, "packets", "not sent, or not judged, in all rounds together", 0, sum(notSent))
	b.atMost(0, "messages", "thrown away by the kernel for want of room, in all rounds together", 0, sum(overflowed))
	b.atLeast(90_000, "checks", "in flight at most (31,000 begin a second, four packets 1 s apart)", 0, inFlight...)
	b.plain("cores", "used meanwhile", 2, cores...)
	b.print("False loss with the system's default receive buffer, kernel stamps")
}

func sum(values []float64) (all float64) {
	for _, v := range values {
		all += v
	}
	return all
}
