//go:build linux

package echo_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkTruth compares the round-trip times that the engine tells with those that tcpdump saw of the same packets.
func BenchmarkTruth(tb *testing.B) {
	b := newBench(tb)
	cases := []*truth{
		{name: "500 checks a second", work: work{Rate: 500, Checks: 1_500}},
		{name: "a burst of 20,000 checks", work: work{AtOnce: targets, Checks: targets}},
		{name: "a burst of 20,000 checks, stamp per packet", work: work{AtOnce: targets, Checks: targets, UserStamps: true}},
	}
	for b.Loop() {
		for range rounds {
			for _, c := range cases {
				b.truth(c)
			}
		}
	}
	for _, c := range cases {
		if c.work.UserStamps {
			b.plain("µs", c.name+", p50", 2, c.p50...)
			b.plain("µs", c.name+", p99", 2, c.p99...)
		} else {
			b.atMost(1, "µs", c.name+", p50", 2, c.p50...)
			b.atMost(5, "µs", c.name+", p99", 2, c.p99...)
		}
		b.plain("µs", c.name+", p90", 2, c.p90...)
		b.plain("µs", c.name+", p99.9", 2, c.p999...)
		b.plain("µs", c.name+", most", 2, c.most...)
		b.plain("packets", c.name+", compared", 0, c.compared...)
	}
	b.print("RTT error against tcpdump: |told - captured|, three packets a check, 10 ms apart")
}

// truth is one way to check, and how wrong its times were in each round, in microseconds.
type truth struct {
	name                                string
	work                                work
	p50, p90, p99, p999, most, compared []float64
}

// truth has each target checked once, with a capture beside.
func (b *bench) truth(t *truth) {
	b.Helper()
	w := t.work
	w.Prober, w.Interval, w.Times = "echo", 10*time.Millisecond, true
	w.Lines = filepath.Join(b.TempDir(), "times")
	capture := b.capture()
	d := b.engine(w)
	wire := capture()
	told := b.times(w.Lines)
	var wrong []float64
	for packet, rtt := range wire {
		if times := told[packet.to]; int(packet.seq) < len(times) && times[packet.seq] >= 0 {
			wrong = append(wrong, max(rtt-times[packet.seq], times[packet.seq]-rtt).Seconds()*1e6)
		}
	}
	if len(wrong) < 3*d.Checks*99/100 {
		b.Errorf("%s: the capture has %d of %d packets", t.name, len(wrong), 3*d.Checks)
	}
	if len(wrong) == 0 {
		return
	}
	slices.Sort(wrong)
	at := func(q float64) float64 { return wrong[int(q*float64(len(wrong)-1))] }
	t.p50, t.p90, t.p99 = append(t.p50, at(0.5)), append(t.p90, at(0.9)), append(t.p99, at(0.99))
	t.p999, t.most = append(t.p999, at(0.999)), append(t.most, at(1))
	t.compared = append(t.compared, float64(len(wrong)))
}

// times reads a worker's lines.
func (b *bench) times(path string) map[netip.Addr][]time.Duration {
	b.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	told := map[netip.Addr][]time.Duration{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		to := netip.MustParseAddr(words[0])
		for _, word := range words[1:] {
			var ns int64
			if _, err := fmt.Sscan(word, &ns); err != nil {
				b.Fatalf("%q: %v", line, err)
			}
			told[to] = append(told[to], time.Duration(ns))
		}
	}
	return told
}

// wirePacket names an echo request: each target is checked once.
type wirePacket struct {
	to  netip.Addr
	seq uint16 // of the check's packets, from 0
}

// capture starts tcpdump, in a process of its own and with a buffer that misses nothing. The function returned stops it and
// gives what each request's reply took.
func (b *bench) capture() func() map[wirePacket]time.Duration {
	b.Helper()
	path := filepath.Join(b.TempDir(), "lo.pcap")
	cmd := exec.Command("tcpdump", "-i", "lo", "-n", "-s", "96", "-B", "65536", "--time-stamp-precision=nano", "-Z", "root", "-w", path, "icmp")
	said, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	b.peer.Do(func() { err = cmd.Start() })
	if err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewReader(said)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			_ = cmd.Wait()
			b.Fatalf("tcpdump: %v: %s", err, line)
		}
		if strings.Contains(line, "listening on") {
			break
		}
	}
	return func() map[wirePacket]time.Duration {
		// The kernel hands what it captured over once a second, and tcpdump throws away what it has not got by its end.
		<-time.After(1500 * time.Millisecond)
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			b.Fatal(err)
		}
		rest, _ := io.ReadAll(lines)
		if err := cmd.Wait(); err != nil || !bytes.Contains(rest, []byte("\n0 packets dropped by kernel")) {
			b.Errorf("tcpdump: %v: %s", err, rest)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		return roundTrips(b, data)
	}
}

// roundTrips matches requests and replies of a capture on lo by identifier, sequence number, addresses and the 16 bytes
// of payload that hold the token.
func roundTrips(b *bench, pcap []byte) map[wirePacket]time.Duration {
	b.Helper()
	const fileHeader, header, ethernet, ip, icmp, timeSize, tokenSize = 24, 16, 14, 20, 8, 8, 16 // pcap-savefile(5); RFC 791, RFC 792
	if len(pcap) < fileHeader || binary.LittleEndian.Uint32(pcap) != 0xa1b23c4d || binary.LittleEndian.Uint32(pcap[20:]) != 1 {
		b.Fatalf("not a capture of Ethernet frames in nanoseconds of this byte order: % x", pcap[:min(fileHeader, len(pcap))])
	}
	type echo struct {
		to, from [4]byte
		ids      [4]byte
		token    [tokenSize]byte
	}
	sent, took := map[echo]time.Duration{}, map[wirePacket]time.Duration{}
	for p := pcap[fileHeader:]; len(p) >= header; {
		at := time.Duration(binary.LittleEndian.Uint32(p))*time.Second + time.Duration(binary.LittleEndian.Uint32(p[4:]))
		size := int(binary.LittleEndian.Uint32(p[8:]))
		frame := p[header : header+size]
		p = p[header+size:]
		if size < ethernet+ip+icmp+timeSize+tokenSize {
			continue
		}
		packet, message := frame[ethernet:], frame[ethernet+ip:]
		e := echo{[4]byte(packet[16:]), [4]byte(packet[12:]), [4]byte(message[4:]), [tokenSize]byte(message[icmp+timeSize:])}
		switch message[0] {
		case 8:
			sent[e] = at
		case 0:
			e.to, e.from = e.from, e.to
			if left, ok := sent[e]; ok {
				took[wirePacket{netip.AddrFrom4(e.to), uint16(e.token[7])}] = at - left // the token ends with the packet's number
			}
		}
	}
	return took
}
