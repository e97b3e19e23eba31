package probe

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// localAge is for how long this machine's addresses are believed without asking again: the target policy goes by them at
// each send, and asking takes the system a tenth of a millisecond.
const localAge = time.Second

// localAddresses remembers this machine's own addresses and its networks' broadcast addresses.
type localAddresses struct {
	ask   func() (own, broadcasts []netip.Addr)
	last  atomic.Pointer[knownAddresses]
	asked atomic.Int64
}

type knownAddresses struct{ own, broadcasts []netip.Addr }

// newLocalAddresses remembers what ask says; nil = none are known.
func newLocalAddresses(ask func() (own, broadcasts []netip.Addr)) *localAddresses {
	l := &localAddresses{ask: ask}
	l.last.Store(&knownAddresses{})
	l.refresh(time.Now())
	return l
}

// refresh asks again where that is due.
func (l *localAddresses) refresh(now time.Time) {
	asked := l.asked.Load()
	if l.ask == nil || now.UnixNano()-asked < int64(localAge) && now.UnixNano() >= asked || !l.asked.CompareAndSwap(asked, now.UnixNano()) {
		return
	}
	own, broadcasts := l.ask()
	l.last.Store(&knownAddresses{own, broadcasts})
}

// known are the addresses as they were at the last refresh.
func (l *localAddresses) known() (own, broadcasts []netip.Addr) {
	k := l.last.Load()
	return k.own, k.broadcasts
}
