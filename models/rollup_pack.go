package models

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"math"
	"net/netip"
	"sync"
)

// A pack is many buckets of one monitor and level, in two byte strings: times (how long the monitor was what, checks, packets) and
// rtts, so that uptime is read without the other. Each begins with packVersion; then come the buckets in order of time, and what
// is as in the bucket before, or as it should be, takes no byte: the times of a quiet day are three bytes. All numbers are varints
// (encoding/binary). The rtts are compressed (RFC 1951), which spares a third of 5-minute buckets and half of sketches.
const packVersion = 1

// The flags that each bucket's times begin with.
const (
	packGap       = 1 << iota // some buckets are missing before this one: their number follows
	packStates                // not up all the time: up, degraded, down, unknown follow
	packChecks                // another number of checks than in the bucket before: the four follow
	packPackets               // another number of packets: sent, received follow
	packLoss                  // packets were lost: lead, trail, most follow
	packAnnounced             // maintenance: its time follows
	packReplies               // rtts has this bucket
	packAgain                 // so many more buckets follow like this one
)

// quiet are the flags of a bucket with nothing to tell but RTTs.
const quiet = packReplies

// The flags that each bucket's rtts begin with.
const (
	packTTL     = 1 << iota // another TTL than in the bucket before: it follows
	packAddress             // another address: its length and bytes follow
	packCount               // another number of RTTs than of packets received: it follows
	packFlagBits
)

// packed is a pack as it is stored.
type packed struct {
	times, rtts []byte
}

// packCodec packs and unpacks. It keeps compressors, which take most of a megabyte each to make. The zero value works.
type packCodec struct {
	writers, readers sync.Pool
}

// pack writes the buckets, in order of time, of the pack that begins at start.
func (c *packCodec) pack(l level, start int64, buckets []tally) packed {
	p := packed{times: []byte{packVersion}}
	var rtts []byte
	before := packState{at: start - l.step()}
	for i := range buckets {
		p.times = before.appendTimes(p.times, l, &buckets[i])
		if buckets[i].rtts.n > 0 {
			rtts = before.appendRTTs(rtts, l, &buckets[i])
		}
	}
	p.times = before.endTimes(p.times)
	p.rtts = c.deflate([]byte{packVersion}, rtts)
	return p
}

// deflate appends the compressed text to b. Memory has no errors.
func (c *packCodec) deflate(b, text []byte) []byte {
	out := bytes.NewBuffer(b)
	w, ok := c.writers.Get().(*flate.Writer)
	if !ok {
		w, _ = flate.NewWriter(out, flate.DefaultCompression) // the error is about the level
	}
	w.Reset(out)
	_, _ = w.Write(text)
	_ = w.Close()
	c.writers.Put(w)
	return out.Bytes()
}

// packState is what is known from the buckets before.
type packState struct {
	at             int64 // when the last bucket began
	checks         [4]int64
	sent, received int64
	replyTTL       int
	address        netip.Addr
	median         int64  // in log bins, for 5-minute buckets
	quiet          bool   // the last bucket that was written was
	again          uint64 // quiet buckets since the last one that was written, or to come
}

func (s *packState) appendTimes(b []byte, l level, t *tally) []byte {
	flags := byte(0)
	gap := (t.start-s.at)/l.step() - 1
	if gap > 0 {
		flags |= packGap
	}
	if t.up != l.step() {
		flags |= packStates
	}
	if t.checks != s.checks {
		flags |= packChecks
	}
	if t.sent != s.sent || t.received != s.received {
		flags |= packPackets
	}
	if t.lost.most > 0 {
		flags |= packLoss
	}
	if t.announced.sum() > 0 {
		flags |= packAnnounced
	}
	if t.rtts.n > 0 {
		flags |= packReplies
	}
	if flags == quiet && len(b) > 1 && s.quiet {
		s.again++
		s.at = t.start
		return b
	}
	b = s.endTimes(b)
	s.quiet = flags == quiet
	b = append(b, flags)
	add := func(flag byte, list ...int64) {
		if flags&flag == 0 {
			return
		}
		for _, n := range list {
			b = binary.AppendUvarint(b, uint64(n))
		}
	}
	add(packGap, gap)
	add(packStates, t.up, t.degraded, t.down, t.unknown)
	add(packChecks, t.checks[:]...)
	add(packPackets, t.sent, t.received)
	add(packLoss, t.lost.lead, t.lost.trail, t.lost.most)
	add(packAnnounced, t.announced.up, t.announced.degraded, t.announced.down, t.announced.unknown)
	s.at, s.checks, s.sent, s.received = t.start, t.checks, t.sent, t.received
	return b
}

// endTimes writes how many buckets were like the last one that was written.
func (s *packState) endTimes(b []byte) []byte {
	if s.again > 0 {
		b[len(b)-1] |= packAgain // its flags are all that it has
		b = binary.AppendUvarint(b, s.again)
		s.again = 0
	}
	return b
}

func (s *packState) appendRTTs(b []byte, l level, t *tally) []byte {
	flags := uint64(0)
	if t.replyTTL != s.replyTTL {
		flags |= packTTL
	}
	if t.address != s.address {
		flags |= packAddress
	}
	if t.rtts.n != t.received {
		flags |= packCount
	}
	var bins [len(SeriesQuantiles)]int64
	if l == level5m {
		// The median's step from the bucket before mostly fits into the byte with the flags.
		for i, us := range t.rtts.atQuantiles() {
			bins[i] = logBin(us)
		}
		flags |= zigzag(bins[2]-s.median) * packFlagBits
		s.median = bins[2]
	}
	b = binary.AppendUvarint(b, flags)
	if flags&packTTL != 0 {
		b = binary.AppendUvarint(b, uint64(t.replyTTL))
	}
	if flags&packAddress != 0 {
		text := t.address.AsSlice()
		b = append(append(b, byte(len(text))), text...)
	}
	if flags&packCount != 0 {
		b = binary.AppendUvarint(b, uint64(t.rtts.n))
	}
	s.replyTTL, s.address = t.replyTTL, t.address
	mean := (t.rtts.sum + t.rtts.n/2) / t.rtts.n
	if l != level5m {
		for _, n := range [...]int64{t.rtts.min, mean - t.rtts.min, t.rtts.max - mean} {
			b = binary.AppendUvarint(b, uint64(n))
		}
		sketch := t.rtts.encode()
		b = binary.AppendUvarint(b, uint64(len(sketch)))
		return append(b, sketch...)
	}
	for _, n := range [...]int64{bins[2] - bins[1], bins[1] - bins[0], bins[3] - bins[2], bins[4] - bins[3]} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, n := range [...]int64{t.rtts.min - logValue(bins[0]), mean - logValue(bins[2]), t.rtts.max - logValue(bins[4])} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

// encode is the distribution as an encoded sketch, without the mapping, which all have in common.
func (r *rttTally) encode() []byte {
	if r.encoded != nil {
		return r.encoded
	}
	s := r.sketch
	if s == nil {
		s = r.toSketch()
	}
	var b []byte
	s.Encode(&b, true)
	return b
}

// logGrowth is the ratio of one log bin to the next: a value is at most 1 % off its bin's.
const logGrowth = 1.02

func logBin(us int64) int64 {
	return int64(math.Round(math.Log(float64(max(us, 1))) / math.Log(logGrowth)))
}

func logValue(bin int64) int64 { return int64(math.Round(math.Pow(logGrowth, float64(bin)))) }
