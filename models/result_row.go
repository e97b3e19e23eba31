package models

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// resultRow is a Result as it is stored, with the verdict after it. Most columns of most rows would be the same: what can be
// computed is not stored, and what is rare is in Details. Packed like this a check of four packets takes 40 to 45 bytes on SQLite;
// with a column for each field it took 80.
type resultRow struct {
	bun.BaseModel `bun:"table:results,alias:r"`
	MonitorID     int64 `bun:",pk"`
	Slot          int64 `bun:",pk"`
	LocationID    int64 `bun:",pk"`
	Code          resultCode
	// IntervalSeconds is the monitor's interval then: for one and a half of it the check says how the monitor is.
	IntervalSeconds int
	StartedUs       int64
	Address         storedAddr
	Packets         []byte
	// Details is JSON of resultDetails, or empty.
	Details string `bun:",nullzero"`
}

// resultColumns are a resultRow's, in the order of its scan method and of the recorder's statements.
const resultColumns = "monitor_id, slot, location_id, code, interval_seconds, started_us, address, packets, details"

// resultCode is kind (3 bits), outcome (2), cause (5), the state after it (3), confirming (1), maintenance (1), the form of the
// packets (1) and the reply's TTL (8), from the lowest bit on. The migration 0007 knows these places and the lists below; they only grow.
type resultCode int64

const (
	outcomeShift     = 3
	causeShift       = 5
	stateShift       = 10
	confirmingBit    = 1 << 13
	maintenanceBit   = 1 << 14
	packetsDeltasBit = 1 << 15 // clear: as packBytes of before wrote them
	ttlShift         = 16
)

var (
	codedKinds    = [...]Kind{KindScheduled, KindFirst, KindManual, KindConfirm, KindBurst}
	codedOutcomes = [...]Outcome{OutcomeSuccess, OutcomeWarning, OutcomeFailure, OutcomeUnknown}
	codedCauses   = [...]Cause{CauseNone, CauseTimeout, CauseHostUnreachable, CauseNetUnreachable, CausePortUnreachable, CauseProhibited, CauseTTLExceeded, CauseTooBig,
		CauseDNSError, CauseNameNotFound, CauseLocalError, CauseNoPermission, CauseTargetNotAllowed, CauseOverload, CauseClockStep, CauseProberBlind}
	codedStates = [...]State{"", StatePending, StateUp, StateDegraded, StateDown, StateUnknown}
)

// place is where v stands in the list, or the highest number of the field where it does not.
func place[T comparable](list []T, v T, most int64) resultCode {
	if i := slices.Index(list, v); i >= 0 {
		return resultCode(i)
	}
	return resultCode(most)
}

// at is what stands in the list there, or the zero value.
func at[T any](list []T, i resultCode) (v T) {
	if int(i) < len(list) {
		v = list[i]
	}
	return v
}

func (c resultCode) kind() Kind        { return at(codedKinds[:], c&7) }
func (c resultCode) outcome() Outcome  { return at(codedOutcomes[:], c>>outcomeShift&3) }
func (c resultCode) cause() Cause      { return at(codedCauses[:], c>>causeShift&31) }
func (c resultCode) state() State      { return at(codedStates[:], c>>stateShift&7) }
func (c resultCode) confirming() bool  { return c&confirmingBit != 0 }
func (c resultCode) maintenance() bool { return c&maintenanceBit != 0 }
func (c resultCode) replyTTL() int     { return int(c >> ttlShift & 255) }

// resultDetails is what few results have.
type resultDetails struct {
	Source     netip.Addr `json:"source,omitzero"`
	MTU        int        `json:"mtu,omitzero"`
	Duplicates int        `json:"duplicates,omitzero"`
	// Counts are sent, received and late where the packets do not tell them.
	Counts *[3]int `json:"counts,omitempty"`
	// Since is how many milliseconds before the slot the measured state began that this result turned to; see
	// MonitorState.TroubleSince.
	Since int64 `json:"since,omitzero"`
}

// newResultRow is the row of a recorded result.
func newResultRow(rec *Recorded) resultRow {
	r, m := &rec.Result, &rec.Monitor
	row := resultRow{MonitorID: r.Monitor, Slot: r.Slot, LocationID: r.Location, IntervalSeconds: m.IntervalSeconds,
		StartedUs: min(r.StartedOffset.Microseconds(), math.MaxInt32), // 35 minutes: slots that are missed so long are left out
		Address:   storedAddr{r.Address}, Packets: packDeltas(r.Packets)}
	row.Code = place(codedKinds[:], r.Kind, 7) | place(codedOutcomes[:], r.Outcome, 3)<<outcomeShift | place(codedCauses[:], r.Cause, 31)<<causeShift |
		place(codedStates[:], m.State.State, 0)<<stateShift | packetsDeltasBit | resultCode(r.ReplyTTL&255)<<ttlShift
	if m.State.Confirming() {
		row.Code |= confirmingBit
	}
	if m.Status == StatusMaintenance {
		row.Code |= maintenanceBit
	}
	details := resultDetails{Source: r.CauseSource, MTU: r.CauseMTU, Duplicates: r.Duplicates}
	if counts := [3]int{r.Sent, r.Received, r.Late}; counts != countPackets(r.Packets) {
		details.Counts = &counts
	}
	if rec.Before.Measured != m.State.Measured {
		details.Since = max(0, r.Slot-m.State.Since.UnixMilli())
	}
	if details != (resultDetails{}) {
		text, _ := json.Marshal(details) // of such fields it has no error
		row.Details = string(text)
	}
	return row
}

// result is the stored result. Its Rev is 0: which one it was is of no use once it is judged.
func (row *resultRow) result() Result {
	r := Result{Monitor: row.MonitorID, Slot: row.Slot, Kind: row.Code.kind(), Location: row.LocationID, StartedOffset: time.Duration(row.StartedUs) * time.Microsecond,
		Outcome: row.Code.outcome(), Cause: row.Code.cause(), ReplyTTL: row.Code.replyTTL(), Address: row.Address.Addr, Packets: row.packets()}
	counts, d := countPackets(r.Packets), row.details()
	if d.Counts != nil {
		counts = *d.Counts
	}
	r.Sent, r.Received, r.Late = counts[0], counts[1], counts[2]
	r.CauseSource, r.CauseMTU, r.Duplicates = d.Source, d.MTU, d.Duplicates
	return r
}

func (row *resultRow) packets() []Packet {
	if row.Code&packetsDeltasBit == 0 {
		return unpackBytes(row.Packets)
	}
	return unpackDeltas(row.Packets)
}

func (row *resultRow) details() (d resultDetails) {
	if row.Details != "" {
		_ = json.Unmarshal([]byte(row.Details), &d) // what makes no sense is left out
	}
	return d
}

// since is from when on the state after this result is the monitor's, in milliseconds: its slot, unless it was set back.
func (row *resultRow) since() int64 { return row.Slot - row.details().Since }

// ends is up to when the result speaks for the monitor where no other follows, in milliseconds.
func (row *resultRow) ends() int64 { return row.Slot + int64(row.IntervalSeconds)*1500 }

// countPackets counts what was sent, received and late.
func countPackets(packets []Packet) (counts [3]int) {
	counts[0] = len(packets)
	for _, p := range packets {
		switch p.State {
		case PacketReplied:
			counts[1]++
		case PacketLate:
			counts[2]++
		}
	}
	return counts
}

// packDeltas writes the packets as one unsigned varint each: 0 lost, 1 late, 2 refused, else an RTT in microseconds plus 3: the
// first as it is, each later one as its difference to the one before, zigzag (difference doubled, or its negative doubled less one).
// That spares a byte of four on most packets.
func packDeltas(packets []Packet) []byte {
	out := make([]byte, 0, 3*len(packets))
	last, first := int64(0), true
	for _, p := range packets {
		switch p.State {
		case PacketReplied:
			us := p.RTT.Microseconds()
			v := zigzag(us - last)
			if first {
				v = uint64(us)
			}
			last, first = us, false
			out = binary.AppendUvarint(out, v+3)
		case PacketRefused:
			out = append(out, 2)
		default:
			out = append(out, byte(p.State))
		}
	}
	return out
}

// unpackDeltas is the inverse of packDeltas; it stops at the first byte that makes no sense.
func unpackDeltas(b []byte) []Packet {
	if len(b) == 0 {
		return nil
	}
	packets := make([]Packet, 0, 4)
	last, first := int64(0), true
	for len(b) > 0 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			break
		}
		b = b[n:]
		switch {
		case v < 2:
			packets = append(packets, Packet{State: PacketState(v)})
		case v == 2:
			packets = append(packets, Packet{State: PacketRefused})
		default:
			us := int64(v - 3)
			if !first {
				us = last + unzigzag(v-3)
			}
			last, first = us, false
			packets = append(packets, Packet{State: PacketReplied, RTT: time.Duration(us) * time.Microsecond})
		}
	}
	return packets
}

func zigzag(n int64) uint64   { return uint64(n<<1) ^ uint64(n>>63) }
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// storedAddr is an address in 4 or 16 bytes, or NULL. SQLite also has text, of rows from before.
type storedAddr struct{ netip.Addr }

// Value is what is stored.
func (a storedAddr) Value() (driver.Value, error) {
	if !a.IsValid() {
		return nil, nil
	}
	return a.AsSlice(), nil
}

// Scan reads what was stored; text that is no address is none.
func (a *storedAddr) Scan(src any) error {
	a.Addr = netip.Addr{}
	switch v := src.(type) {
	case nil:
	case string:
		a.Addr, _ = netip.ParseAddr(v)
	case []byte:
		a.Addr, _ = netip.AddrFromSlice(v)
	default:
		return fmt.Errorf("an address column holds a %T", src)
	}
	return nil
}
