package lab

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Honest answers as the kernel does.
func Honest(e Echo) []Reply { return []Reply{{Data: e.Data}} }

// Silent never answers.
func Silent(Echo) []Reply { return nil }

// Times answers n times.
func Times(n int) Behaviour {
	return func(e Echo) (all []Reply) {
		for range n {
			all = append(all, Reply{Data: e.Data})
		}
		return all
	}
}

// Drop loses a request with the probability p and leaves the others to then. The same seed loses the same ones.
func Drop(p float64, seed uint64, then Behaviour) Behaviour {
	random := rand.New(rand.NewPCG(seed, 0))
	return func(e Echo) []Reply {
		if random.Float64() < p {
			return nil
		}
		return then(e)
	}
}

// DropEvery loses the n-th request and its multiples and leaves the others to then; requests to different addresses
// count each by themselves.
func DropEvery(n int, then Behaviour) Behaviour {
	seen := map[netip.Addr]int{}
	return func(e Echo) []Reply {
		if seen[e.To]++; seen[e.To]%n == 0 {
			return nil
		}
		return then(e)
	}
}

// After answers d late.
func After(d time.Duration) Behaviour {
	return func(e Echo) []Reply { return []Reply{{Data: e.Data, Delay: d}} }
}

// Swapped holds every other request of an identifier until the next one is answered.
func Swapped() Behaviour {
	type flow struct {
		from, to netip.Addr
		id       int
	}
	held := map[flow]Echo{}
	return func(e Echo) []Reply {
		f := flow{e.From, e.To, e.ID}
		first, ok := held[f]
		if !ok {
			held[f] = e
			return nil
		}
		delete(held, f)
		return []Reply{{Data: e.Data}, {Data: first.Data, Of: &first}}
	}
}

// FromOther answers from the other address only.
func FromOther(e Echo) []Reply { return []Reply{{Data: e.Data, FromOther: true}} }

// FromBoth answers from the other address first and then as it should.
func FromBoth(e Echo) []Reply {
	return []Reply{{Data: e.Data, FromOther: true}, {Data: e.Data, Delay: 20 * time.Millisecond}}
}

// From answers from addr.
func From(addr netip.Addr) Behaviour {
	return func(e Echo) []Reply { return []Reply{{Data: e.Data, From: addr}} }
}

// Stamped moves the time that the request carries in its first eight bytes.
func Stamped(by time.Duration) Behaviour {
	return func(e Echo) []Reply {
		data := append([]byte(nil), e.Data...)
		if len(data) >= 8 {
			binary.BigEndian.PutUint64(data, binary.BigEndian.Uint64(data)+uint64(by))
		}
		return []Reply{{Data: data}}
	}
}

// Short answers with only the first n bytes.
func Short(n int) Behaviour {
	return func(e Echo) []Reply { return []Reply{{Data: e.Data[:min(n, len(e.Data))]}} }
}

// WrongPayload answers with the right identifier and sequence number, the right size, and one bit changed in byte at of
// the data, counted from its end where negative.
func WrongPayload(at int) Behaviour {
	return func(e Echo) []Reply {
		data := append([]byte(nil), e.Data...)
		if i := (at + len(data)) % max(1, len(data)); len(data) > 0 {
			data[i] ^= 1
		}
		return []Reply{{Data: data}}
	}
}

// RandomPayload answers with the right identifier, sequence number and size, and data of its own.
func RandomPayload(seed uint64) Behaviour {
	random := rand.New(rand.NewPCG(seed, 0))
	return func(e Echo) []Reply {
		data := make([]byte, len(e.Data))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		return []Reply{{Data: data}}
	}
}

// WrongID answers with another identifier.
func WrongID(e Echo) []Reply {
	data := e.Data
	e.ID ^= 0x5555
	return []Reply{{Data: data, Of: &e}}
}

// WrongSeq answers with another sequence number.
func WrongSeq(e Echo) []Reply {
	data := e.Data
	e.Seq ^= 0x4000
	return []Reply{{Data: data, Of: &e}}
}

// Fails answers with an ICMP error.
func Fails(i ICMPError) Behaviour {
	return func(Echo) []Reply { return []Reply{{Error: &i}} }
}

// Crossed answers every nonce to every identifier: it remembers the last n requests of all addresses, and for each new
// one sends all replies that mix it with those, with wrong data, or from a wrong address. Only what then says is right.
func Crossed(n int, then Behaviour) Behaviour {
	var last []Echo
	return func(e Echo) []Reply {
		var all []Reply
		for i := range last {
			other := &last[i]
			if other.ID == e.ID && other.To == e.To {
				continue // of the same check: another number's data
			}
			elsewhere := *other
			elsewhere.To = e.To
			all = append(all,
				Reply{Data: other.Data},
				Reply{Data: e.Data, Of: other},
				Reply{Data: other.Data, Of: &elsewhere})
		}
		if last = append(last, e); len(last) > n {
			last = append([]Echo(nil), last[1:]...)
		}
		return append(all, then(e)...)
	}
}

// Each lets every address behave by itself.
func Each(choose func(netip.Addr) Behaviour) Behaviour {
	chosen := map[netip.Addr]Behaviour{}
	return func(e Echo) []Reply {
		b := chosen[e.To]
		if b == nil {
			b = choose(e.To)
			chosen[e.To] = b
		}
		return b(e)
	}
}
