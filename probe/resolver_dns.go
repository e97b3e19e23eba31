package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"echolot/models"
)

const (
	// udpSize is the largest answer asked for by UDP (RFC 6891): what passes without fragments nearly everywhere, as
	// the DNS flag day of 2020 settled it.
	udpSize = 1232
	// maxAliases is how many CNAME records in a row are followed.
	maxAliases = 8
	// shortestTry is the least time that a server gets, so that six tries of a check with little time do not become six
	// that are all too short for an answer from afar.
	shortestTry = 200 * time.Millisecond
)

// answer is what a server said about a name and a type. Without addresses, exists tells whether there is such a name.
type answer struct {
	addrs  []netip.Addr
	exists bool
	ttl    time.Duration
}

// resolve asks for each name that resolv.conf makes of l's, one after the other. left is the time until the last waiter
// leaves. An error ends it: a lost answer must move the monitor neither to another name nor to another family.
func (l *lookup) resolve(config *resolverConfig, left func() time.Duration) (addrs []netip.Addr, ttl time.Duration, err error) {
	exists, ttl := false, maxTTL
	for _, name := range config.NameList(l.name) {
		if len(name) > maxNameLength {
			continue // with a domain of the search list
		}
		for _, kind := range l.kinds() {
			a, err := l.ask(config, name, kind, left)
			if err != nil {
				return nil, 0, &Unmeasured{models.CauseDNSError, fmt.Sprintf("lookup %s: %v", l.name, err)}
			}
			ttl = min(ttl, a.ttl)
			if len(a.addrs) > 0 {
				return a.addrs, ttl, nil
			}
			exists = exists || a.exists
			if !a.exists {
				break // of no type: RFC 8020
			}
		}
	}
	if exists {
		return nil, ttl, &Unmeasured{models.CauseDNSError, fmt.Sprintf("lookup %s: the answer holds no address", l.name)}
	}
	return nil, ttl, &Unmeasured{models.CauseNameNotFound, fmt.Sprintf("lookup %s: no such host", l.name)}
}

// kinds are the types to ask for. AAAA is asked for only where there is no A: most names need one question so.
func (l *lookup) kinds() []uint16 {
	switch l.family {
	case '4':
		return []uint16{dns.TypeA}
	case '6':
		return []uint16{dns.TypeAAAA}
	}
	return []uint16{dns.TypeA, dns.TypeAAAA}
}

// ask asks one server after the other, each up to config.Attempts times, until one knows. The time left is shared by the
// tries that are left, so that a dead server does not take it all.
func (l *lookup) ask(config *resolverConfig, name string, kind uint16, left func() time.Duration) (a answer, err error) {
	servers := config.inTurn()
	tries := config.Attempts * len(servers)
	err = errors.New("no time was left")
	for try := range tries {
		remaining := left()
		if remaining <= 0 || l.ctx.Err() != nil {
			return a, err
		}
		share := max(shortestTry, remaining/time.Duration(tries-try))
		server := servers[try%len(servers)]
		l.asking.Store(&server)
		if a, err = l.try(server, name, kind, min(share, remaining, time.Duration(config.Timeout)*time.Second)); err == nil {
			return a, nil
		}
	}
	return a, err
}

// try asks one server once. The error names the server.
func (l *lookup) try(server, name string, kind uint16, share time.Duration) (answer, error) {
	reply, err := l.reply(server, name, kind, share)
	if err != nil {
		return answer{}, err
	}
	a, err := read(reply)
	if err != nil {
		return answer{}, fmt.Errorf("%s %w", server, err)
	}
	return a, nil
}

// reply is what one server says, by TCP where its answer was truncated. The error names the server.
func (l *lookup) reply(server, name string, kind uint16, share time.Duration) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(l.ctx, share)
	defer cancel()
	m := new(dns.Msg).SetQuestion(name, kind)
	m.SetEdns0(udpSize, false)
	reply, err := exchange(ctx, "udp", server, m)
	if err == nil && (reply.Rcode == dns.RcodeFormatError || reply.Rcode == dns.RcodeNotImplemented) {
		m.Extra = nil // a server from before EDNS0: RFC 6891 §7
		reply, err = exchange(ctx, "udp", server, m)
	}
	if err == nil && reply.Truncated {
		reply, err = exchange(ctx, "tcp", server, m)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
		return nil, fmt.Errorf("no answer from %s", server)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", server, err)
	}
	return reply, nil
}

// exchange sends m from a new socket, and by that from a random port, and returns the answer to it. What else arrives is
// passed over: somebody may be guessing (RFC 5452 §9.1).
func exchange(ctx context.Context, network, server string, m *dns.Msg) (*dns.Msg, error) {
	m.Id = dns.Id()
	conn, err := (&dns.Client{Net: network}).DialContext(ctx, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.UDPSize = udpSize
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	if err := conn.WriteMsg(m); err != nil {
		return nil, err
	}
	for {
		packet, err := conn.ReadMsgHeader(nil)
		if errors.Is(err, dns.ErrShortRead) {
			continue
		}
		if err != nil {
			return nil, err
		}
		reply := new(dns.Msg)
		err = reply.Unpack(packet)
		if reply.Id != m.Id || !reply.Response {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("broken answer: %w", err)
		}
		if len(reply.Question) == 1 && strings.EqualFold(reply.Question[0].Name, m.Question[0].Name) &&
			reply.Question[0].Qtype == m.Question[0].Qtype && reply.Question[0].Qclass == m.Question[0].Qclass {
			return reply, nil
		}
	}
}

// read takes an answer apart, from the name asked for along its aliases to the addresses.
func read(reply *dns.Msg) (answer, error) {
	switch {
	case reply.Rcode == dns.RcodeNameError:
		return answer{ttl: negativeTTL(reply)}, nil
	case reply.Rcode != dns.RcodeSuccess:
		return answer{}, fmt.Errorf("answered %s", dns.RcodeToString[reply.Rcode])
	case reply.Truncated:
		return answer{}, errors.New("truncated its answer by TCP")
	case len(reply.Answer) == 0 && refersOn(reply):
		return answer{}, errors.New("does not answer for that name")
	}
	name, ttl := reply.Question[0].Name, maxTTL
	for range maxAliases + 1 {
		a := answer{exists: true, ttl: ttl}
		alias := ""
		for _, record := range reply.Answer {
			if !strings.EqualFold(record.Header().Name, name) {
				continue
			}
			var addr netip.Addr
			switch r := record.(type) {
			case *dns.A:
				addr, _ = netip.AddrFromSlice(r.A)
			case *dns.AAAA:
				addr, _ = netip.AddrFromSlice(r.AAAA)
			case *dns.CNAME:
				alias = r.Target
				ttl = min(ttl, seconds(r.Hdr.Ttl))
			}
			if addr.IsValid() && record.Header().Rrtype == reply.Question[0].Qtype {
				a.addrs = append(a.addrs, addr.Unmap())
				a.ttl = min(a.ttl, seconds(record.Header().Ttl))
			}
		}
		if len(a.addrs) > 0 {
			return a, nil
		}
		if alias == "" {
			return answer{exists: true, ttl: negativeTTL(reply)}, nil
		}
		name = alias
	}
	return answer{}, fmt.Errorf("answered with more than %d aliases in a row", maxAliases)
}

// refersOn tells whether a server only names others to ask: one that should look up for us and does not want to.
func refersOn(reply *dns.Msg) bool {
	return !reply.Authoritative && slices.ContainsFunc(reply.Ns, func(record dns.RR) bool { return record.Header().Rrtype == dns.TypeNS })
}

// negativeTTL is how long it may be kept that there is nothing (RFC 2308 §5).
func negativeTTL(reply *dns.Msg) time.Duration {
	for _, record := range reply.Ns {
		if soa, ok := record.(*dns.SOA); ok {
			return min(seconds(soa.Hdr.Ttl), seconds(soa.Minttl), maxNegativeTTL)
		}
	}
	return 0
}

// seconds is a TTL. One with the highest bit set means 0 (RFC 2181 §8).
func seconds(ttl uint32) time.Duration {
	if ttl > 1<<31-1 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}
