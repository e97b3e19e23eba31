package models

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"
)

// resultVersion is the first byte of an encoded result. A program that adds a field gives it the next number and goes on
// reading the ones before: what was kept while the database was away is stored by the program that starts next. Version 2
// added CauseMTU, version 3 a byte of flags at the end.
const resultVersion = 3

// The flags of version 3.
const flagMass = 1

var errResultBytes = errors.New("not an encoded result")

// AppendBinary adds the result to b in a compact form: every field but Detail, which is for the log of the moment. Its error is
// always nil. It is an encoding.BinaryAppender.
func (r Result) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, resultVersion)
	for _, n := range [...]int64{r.Monitor, r.Rev, r.Slot, r.Location, int64(r.StartedOffset), int64(r.Sent), int64(r.Received), int64(r.Duplicates), int64(r.Late),
		int64(r.ReplyTTL)} {
		b = binary.AppendVarint(b, n)
	}
	for _, s := range [...]string{string(r.Kind), string(r.Outcome), string(r.Cause)} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	for _, a := range [...]netip.Addr{r.CauseSource, r.Address} {
		text := a.AsSlice() // zones are not measured
		b = append(append(b, byte(len(text))), text...)
	}
	b = binary.AppendVarint(b, int64(r.CauseMTU))
	b = binary.AppendUvarint(b, uint64(len(r.Packets)))
	for _, p := range r.Packets {
		if p.State == PacketRefused { // lost, but for a zero in two bytes: a program of before reads it, and not as an RTT
			b = append(append(b, byte(PacketLost)), refusedBytes...)
			continue
		}
		b = binary.AppendVarint(append(b, byte(p.State)), int64(p.RTT))
	}
	var flags byte
	if r.Mass {
		flags |= flagMass
	}
	return append(b, flags), nil
}

// UnmarshalBinary reads what AppendBinary wrote. It is an encoding.BinaryUnmarshaler.
func (r *Result) UnmarshalBinary(data []byte) error {
	d := resultDecoder{rest: data}
	version := d.byte()
	if version < 1 || version > resultVersion {
		return fmt.Errorf("%w of version %d", errResultBytes, version)
	}
	*r = Result{Monitor: d.varint(), Rev: d.varint(), Slot: d.varint(), Location: d.varint(), StartedOffset: time.Duration(d.varint()),
		Sent: int(d.varint()), Received: int(d.varint()), Duplicates: int(d.varint()), Late: int(d.varint()), ReplyTTL: int(d.varint()),
		Kind: Kind(d.text()), Outcome: Outcome(d.text()), Cause: Cause(d.text()), CauseSource: d.addr(), Address: d.addr()}
	if version >= 2 {
		r.CauseMTU = int(d.varint())
	}
	if n := d.uvarint(); n > 0 && n <= uint64(len(d.rest)) {
		r.Packets = make([]Packet, n)
		for i := range r.Packets {
			r.Packets[i] = d.packet()
		}
	} else if n > 0 {
		d.bad = true
	}
	if version >= 3 {
		flags := d.byte()
		r.Mass = flags&flagMass != 0
		d.bad = d.bad || flags&^flagMass != 0
	}
	if d.bad || len(d.rest) > 0 {
		return errResultBytes
	}
	return nil
}

// Size is about how many bytes of memory the result takes.
func (r Result) Size() int {
	return int(unsafe.Sizeof(r)) + len(r.Packets)*int(unsafe.Sizeof(Packet{})) + len(r.Detail)
}

// resultDecoder takes values from the front of rest. After one that makes no sense it is bad, and gives zeros.
type resultDecoder struct {
	rest []byte
	bad  bool
}

func (d *resultDecoder) take(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.bad, d.rest = true, nil
		return nil
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *resultDecoder) packet() Packet {
	state := PacketState(d.byte())
	if state > PacketReplied {
		d.bad = true
	}
	if state == PacketLost && bytes.HasPrefix(d.rest, []byte(refusedBytes)) {
		d.take(len(refusedBytes))
		return Packet{State: PacketRefused}
	}
	return Packet{State: state, RTT: time.Duration(d.varint())}
}

func (d *resultDecoder) byte() byte {
	if b := d.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (d *resultDecoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		n = -1
	}
	d.take(n)
	return v
}

func (d *resultDecoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		n = -1
	}
	d.take(n)
	return v
}

func (d *resultDecoder) text() string {
	n := d.uvarint()
	return string(d.take(int(min(n, uint64(len(d.rest)+1)))))
}

func (d *resultDecoder) addr() netip.Addr {
	a, ok := netip.AddrFromSlice(d.take(int(d.byte())))
	if !ok {
		return netip.Addr{}
	}
	return a
}
