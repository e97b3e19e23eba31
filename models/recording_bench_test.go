package models_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// benchMonitors is how many monitors the recorder's benchmark has; every result of a batch is another one's.
const benchMonitors = 20_000

// BenchmarkRecordResults stores batches as the recorder does: reading the states, judging, writing results and states.
// It tells results a second, and microseconds of CPU a result: of this process and, on Postgres, of the server's.
func BenchmarkRecordResults(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres"} {
		b.Run(kind, func(b *testing.B) {
			url := ""
			if kind == "sqlite" {
				url = modelstest.SQLite(b)
			} else {
				url = modelstest.Postgres(b)
			}
			s := modelstest.Open(b, url)
			ids := modelstest.Monitors(b, s, benchMonitors)
			slot, next := time.Now().UnixMilli(), 0
			for _, size := range []int{100, 1_000, 5_000, 20_000} {
				b.Run(fmt.Sprint(size), func(b *testing.B) {
					cpu, server := ownCPU(b), serverCPU(b, url)
					for b.Loop() {
						batch := make([]models.Result, size)
						for i := range batch {
							if next == len(ids) {
								next, slot = 0, slot+1000
							}
							batch[i] = measured(ids[next], slot+int64(next%1000))
							next++
						}
						recorded, err := s.RecordResults(context.Background(), batch, always)
						if err != nil || len(recorded) != size {
							b.Fatalf("got %d results recorded and error %v, want %d", len(recorded), err, size)
						}
					}
					n := float64(b.N * size)
					b.ReportMetric(n/b.Elapsed().Seconds(), "results/s")
					b.ReportMetric((ownCPU(b)-cpu).Seconds()*1e6/n, "µs-cpu/result")
					if kind == "postgres" {
						b.ReportMetric((serverCPU(b, url)-server).Seconds()*1e6/n, "µs-server-cpu/result")
					}
				})
			}
		})
	}
}

// measured is a good result of four packets.
func measured(monitor, slot int64) models.Result {
	r := models.Result{Monitor: monitor, Rev: 1, Slot: slot, Location: models.LocationID, Kind: models.KindScheduled, StartedOffset: 1234 * time.Microsecond,
		Outcome: models.OutcomeSuccess, Sent: 4, Received: 4, ReplyTTL: 64, Address: netip.AddrFrom4([4]byte{127, 1, byte(monitor >> 8), byte(monitor)})}
	for i := range 4 {
		r.Packets = append(r.Packets, models.Packet{State: models.PacketReplied, RTT: time.Duration(150+i) * time.Microsecond})
	}
	return r
}

func ownCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serverCPU is the time that the database's own processes have used.
func serverCPU(tb testing.TB, url string) (sum time.Duration) {
	tb.Helper()
	if !modelstest.IsPostgres(url) {
		return 0
	}
	rows, err := modelstest.Connect(tb, url).QueryContext(context.Background(), "SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			tb.Fatal(err)
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended
		}
		var user, system int64
		if f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])); len(f) > 12 {
			_, _ = fmt.Sscan(f[11], &user)
			_, _ = fmt.Sscan(f[12], &system)
		}
		sum += time.Duration(user+system) * 10 * time.Millisecond // clock ticks, sysconf(_SC_CLK_TCK) = 100
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return sum
}
