package models

import (
	"encoding/binary"
	"time"
)

// Minute is what the checks of one minute found, at worst; see MonitorState.Minutes.
type Minute byte

// The kinds of minutes, best first. MinuteNone is one without a check; MinuteSlow is one whose RTT was more than twice the usual.
const (
	MinuteNone Minute = iota
	MinuteUp
	MinuteSlow
	MinuteUnknown
	MinuteLoss
	MinuteDown
	minuteKinds       = 7
	minuteMaintenance = 8
)

// Kind is the minute without what people had announced.
func (m Minute) Kind() Minute { return m & minuteKinds }

// Maintenance is true where people had announced work.
func (m Minute) Maintenance() bool { return m&minuteMaintenance != 0 }

// WallMinutes is how far the wall looks back.
const WallMinutes = 60

// The minutes stand behind the beats in Recent: the number of the last one since 1970, and half a byte for each, oldest first. They
// share the column since both are written with every check and read together; the remainder of the length by that of a beat tells
// whether they are there.
const hourBytes = 4 + WallMinutes/2

// hour is the end of recent that holds the minutes; nil where there are none yet.
func hour(recent []byte) []byte {
	if len(recent) < hourBytes || len(recent)%beatBytes != hourBytes%beatBytes {
		return nil
	}
	return recent[len(recent)-hourBytes:]
}

// Minutes are the last WallMinutes up to now, the present one last. A check stands for the time until the next one is due: a
// minute is MinuteNone only after one and a half intervals without a check.
func (s MonitorState) Minutes(now time.Time, interval time.Duration) [WallMinutes]Minute {
	return minutesOf(s.Recent, now, interval)
}

func minutesOf(recent []byte, now time.Time, interval time.Duration) (out [WallMinutes]Minute) {
	packed := hour(recent)
	if packed == nil {
		return out
	}
	last := int64(binary.BigEndian.Uint32(packed))
	shift := now.Unix()/60 - last // how many minutes of the hour are not in it yet
	reach := int64((interval*3/2 + time.Minute - 1) / time.Minute)
	held, age := MinuteNone, int64(0)
	for i := -shift; i < WallMinutes; i++ {
		// i counts places of the answer; those before it are read only to be carried on.
		m := MinuteNone
		if at := i + shift; at >= 0 && at < WallMinutes {
			m = Minute(packed[4+at/2]>>(4*(at%2))) & 15
		}
		if m.Kind() != MinuteNone {
			held, age = m, 0
		} else if age++; age <= reach {
			m = held
		}
		if i >= 0 {
			out[i] = m
		}
	}
	return out
}

// pushMinute notes the check that the state has just taken in: the worst of its minute stays.
func pushMinute(packed []byte, slot int64, found Minute) []byte {
	var held [WallMinutes]Minute
	minute := slot / 60_000
	next := make([]byte, hourBytes)
	if packed != nil {
		if shift := minute - int64(binary.BigEndian.Uint32(packed)); shift >= 0 { // else the clock was set back
			for i := shift; i < WallMinutes; i++ {
				held[i-shift] = Minute(packed[4+i/2]>>(4*(i%2))) & 15
			}
		}
	}
	was := &held[WallMinutes-1]
	if found.Kind() > was.Kind() {
		*was = found | *was&minuteMaintenance
	} else {
		*was |= found & minuteMaintenance
	}
	binary.BigEndian.PutUint32(next, uint32(minute))
	for i, m := range held {
		next[4+i/2] |= byte(m) << (4 * (i % 2))
	}
	return next
}

// minuteOf is the kind that a check makes its minute, judged with the beats before it.
func (s MonitorState) minuteOf(beat Beat) Minute {
	var m Minute
	switch {
	case beat.Outcome == OutcomeUnknown:
		m = MinuteUnknown
	case s.State == StateDown:
		m = MinuteDown
	case s.State == StateDegraded || beat.LossPercent > 0 || beat.Outcome == OutcomeFailure:
		m = MinuteLoss
	case s.slow(beat.RTT):
		m = MinuteSlow
	default:
		m = MinuteUp
	}
	if beat.Maintenance {
		m |= minuteMaintenance
	}
	return m
}

// slowAfter is how many replies the usual RTT is taken from at least.
const slowAfter = 5

// slow tells whether an RTT is more than twice the median of the beats. It counts instead of sorting: it is asked of every check.
func (s MonitorState) slow(rtt time.Duration) bool {
	var below, all int
	for b := s.Recent; len(b) >= beatBytes; b = b[beatBytes:] {
		if len(b) == hourBytes {
			break
		}
		if us := binary.BigEndian.Uint32(b[2:6]); us > 0 {
			all++
			if 2*int64(us) < rtt.Microseconds() {
				below++
			}
		}
	}
	return all >= slowAfter && 2*below > all
}
