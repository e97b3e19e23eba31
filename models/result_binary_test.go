package models_test

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"echolot/models"
)

// Every field comes back, those that somebody adds later too.
func TestResultBinary(t *testing.T) {
	full := models.Result{}
	v := reflect.ValueOf(&full).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case netip.Addr:
			f.Set(reflect.ValueOf(netip.MustParseAddr([]string{"192.0.2.7", "2001:db8::7"}[i%2])))
		case []models.Packet:
			f.Set(reflect.ValueOf([]models.Packet{{State: models.PacketReplied, RTT: 123456 * time.Nanosecond}, {}, {State: models.PacketLate}, {State: models.PacketRefused}, {}}))
		default:
			if f.Kind() == reflect.String {
				f.SetString(v.Type().Field(i).Name)
			} else if f.CanInt() {
				f.SetInt(int64(i) * -1_000_000_007)
			} else if f.Kind() == reflect.Bool {
				f.SetBool(true)
			} else if f.CanUint() {
				f.SetUint(uint64(i))
			} else {
				t.Fatalf("this test does not know how to fill the field %s", v.Type().Field(i).Name)
			}
		}
	}
	full.Detail = "" // it is not kept
	for name, r := range map[string]models.Result{"empty": {}, "full": full, "measured": measured(7, time.Now().UnixMilli())} {
		b, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got models.Result
		if err := got.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s: got %+v and error %v, want %+v", name, got, err, r)
		}
		t.Logf("%s: %d bytes, %d in memory", name, len(b), r.Size())
		for n := range b {
			if err := got.UnmarshalBinary(b[:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes were taken for a result", name, n, len(b))
			}
		}
		if err := got.UnmarshalBinary(append(slices.Clone(b), 0)); err == nil {
			t.Errorf("%s: a byte too many was taken", name)
		}
	}
}

// What an older program kept is read by this one: there was no MTU in version 1, and no flags before version 3.
func TestResultBinaryOfBefore(t *testing.T) {
	const kept = "\x01\x0e\x06\x80\xd8\x8f\x9d\x93g\x02\xa0\xd1\x96\x01\x04\x00\x00\x00\x00\tscheduled\afailure\atoo_big" +
		"\x04\n\x00\x00\x01\x10 \x01\r\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\a\x02\x00\x00\x00\x00"
	want := models.Result{Monitor: 7, Rev: 3, Slot: 1772107200000, Kind: models.KindScheduled, Location: 1, StartedOffset: 1234 * time.Microsecond,
		Outcome: models.OutcomeFailure, Cause: models.CauseTooBig, CauseSource: netip.MustParseAddr("10.0.0.1"), Sent: 2,
		Address: netip.MustParseAddr("2001:db8::7"), Packets: make([]models.Packet, 2)}
	var got models.Result
	if err := got.UnmarshalBinary([]byte(kept)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v and error %v, want %+v", got, err, want)
	}
	second, err := want.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	second = append([]byte{2}, second[1:len(second)-1]...)
	if err := got.UnmarshalBinary(second); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("version 2: got %+v and error %v, want %+v", got, err, want)
	}
	for _, version := range []string{"\x00", "\x04"} {
		if err := got.UnmarshalBinary([]byte(version + kept[1:])); err == nil {
			t.Errorf("version %q was taken for a result", version)
		}
	}
}

// A refused packet is kept so that a program of before reads a lost one: its state is that of a lost one, and its RTT is zero.
func TestRefusedPacketsAreLostToProgramsOfBefore(t *testing.T) {
	b, err := models.Result{Packets: []models.Packet{{State: models.PacketRefused}}}.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := b[len(b)-5:]; !slices.Equal(got, []byte{1, byte(models.PacketLost), 0x80, 0, 0}) {
		t.Errorf("got % x at the end, want one lost packet with a zero of two bytes, and no flags", got)
	}
	var r models.Result
	if err := r.UnmarshalBinary(append(b[:len(b)-4], byte(models.PacketRefused), 0, 0)); err == nil {
		t.Errorf("a state that nobody writes was taken for %+v", r.Packets)
	}
}

func FuzzResultBinary(f *testing.F) {
	b, err := measured(7, 1).AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, again models.Result
		if r.UnmarshalBinary(b) != nil {
			return
		}
		out, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(out); err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("got %+v and error %v, want %+v", again, err, r)
		}
	})
}
