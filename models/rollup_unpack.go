package models

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"net/netip"
)

// inflate is the inverse of deflate; ok is false where that is not what wrote it.
func (c *packCodec) inflate(b []byte) (text []byte, ok bool) {
	r, ok := c.readers.Get().(io.ReadCloser)
	if !ok {
		r = flate.NewReader(nil)
	}
	defer c.readers.Put(r)
	if resetter, ok := r.(flate.Resetter); !ok || resetter.Reset(bytes.NewReader(b), nil) != nil {
		return nil, false
	}
	text, err := io.ReadAll(io.LimitReader(r, mostInflated))
	return text, err == nil
}

// mostInflated bounds a pack's rtts: 72 buckets of 5 minutes, or 24 or 16 of a sketch that holds some hundred bins.
const mostInflated = 1 << 20

// unpack reads the buckets of the pack that begins at start and that overlap [from, to).
func (c *packCodec) unpack(p packed, l level, start, from, to int64) []tally {
	out := make([]tally, 0, l.period()/l.step())
	c.each(p, l, start, from, to, func(t *tally) { out = append(out, *t) })
	return out
}

// each calls f for those buckets, with a tally that is another's afterwards. Without rtts (nil) they have none. It stops at the
// first byte that makes no sense.
func (c *packCodec) each(p packed, l level, start, from, to int64, f func(*tally)) {
	times, rtts := packReader{rest: p.times}, packReader{}
	if times.byte() != packVersion {
		return
	}
	if p.rtts != nil {
		text, ok := c.inflate(p.rtts[min(1, len(p.rtts)):])
		if !ok || p.rtts[0] != packVersion {
			return
		}
		rtts.rest = text
	}
	s := packState{at: start - l.step()}
	var t tally
	for len(times.rest) > 0 || s.again > 0 {
		t = tally{}
		replies := s.readTimes(&times, l, &t)
		if replies && p.rtts != nil {
			s.readRTTs(&rtts, l, &t)
		}
		if times.bad || rtts.bad || t.start >= to {
			return
		}
		if t.start+l.step() > from {
			f(&t)
		}
	}
}

func (s *packState) readTimes(r *packReader, l level, t *tally) (replies bool) {
	flags := byte(quiet)
	if s.again > 0 {
		s.again--
	} else if flags = r.byte(); flags&packAgain != 0 {
		s.again = uint64(min(r.uvarint(), l.period()/l.step()))
	}
	gap := int64(0)
	read := func(flag byte, list ...*int64) {
		if flags&flag != 0 {
			for _, n := range list {
				*n = r.uvarint()
			}
		}
	}
	read(packGap, &gap)
	t.start = s.at + (gap+1)*l.step()
	if flags&packStates == 0 {
		t.up = l.step()
	}
	read(packStates, &t.up, &t.degraded, &t.down, &t.unknown)
	read(packChecks, &s.checks[0], &s.checks[1], &s.checks[2], &s.checks[3])
	read(packPackets, &s.sent, &s.received)
	read(packLoss, &t.lost.lead, &t.lost.trail, &t.lost.most)
	read(packAnnounced, &t.announced.up, &t.announced.degraded, &t.announced.down, &t.announced.unknown)
	t.checks, t.sent, t.received = s.checks, s.sent, s.received
	s.at = t.start
	return flags&packReplies != 0
}

func (s *packState) readRTTs(r *packReader, l level, t *tally) {
	flags := r.uvarint()
	if flags&packTTL != 0 {
		s.replyTTL = int(r.uvarint())
	}
	if flags&packAddress != 0 {
		s.address, _ = netip.AddrFromSlice(r.take(int64(r.byte())))
	}
	t.rtts.n = t.received
	if flags&packCount != 0 {
		t.rtts.n = r.uvarint()
	}
	t.replyTTL, t.address = s.replyTTL, s.address
	if l != level5m {
		least, toMean, toMost := r.uvarint(), r.uvarint(), r.uvarint()
		t.rtts.min, t.rtts.sum, t.rtts.max = least, (least+toMean)*t.rtts.n, least+toMean+toMost
		t.rtts.encoded = r.take(r.uvarint())
		return
	}
	s.median += unzigzag(uint64(flags) / packFlagBits)
	var bins, values [len(SeriesQuantiles)]int64
	bins[2] = s.median
	bins[1] = bins[2] - r.uvarint()
	bins[0] = bins[1] - r.uvarint()
	bins[3] = bins[2] + r.uvarint()
	bins[4] = bins[3] + r.uvarint()
	t.rtts.min = logValue(bins[0]) + r.varint()
	t.rtts.sum = (logValue(bins[2]) + r.varint()) * t.rtts.n
	t.rtts.max = logValue(bins[4]) + r.varint()
	for i, bin := range bins {
		values[i] = min(max(logValue(bin), t.rtts.min), t.rtts.max)
	}
	t.rtts.quantiles = &values
}

// packReader takes numbers from the front of rest. After one that makes no sense it is bad, and gives zeros.
type packReader struct {
	rest []byte
	bad  bool
}

func (r *packReader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *packReader) take(n int64) []byte {
	if n < 0 || n > int64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *packReader) uvarint() int64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		n = len(r.rest) + 1
	}
	r.take(int64(n))
	return int64(v)
}

func (r *packReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		n = len(r.rest) + 1
	}
	r.take(int64(n))
	return v
}
