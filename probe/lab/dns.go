package lab

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Script answers the n-th question (from 0) for one name and type.
type Script func(w dns.ResponseWriter, question *dns.Msg, n int)

// DNS is a name server on loopback that answers by script. A name without a script does not exist.
type DNS struct {
	// Addr is its host:port.
	Addr string

	mu      sync.Mutex
	scripts map[string]Script
	asked   map[dns.Question]int
	byTCP   map[string]int
}

// NewDNS starts a server, for UDP and TCP at one port, that lasts as long as the test.
func NewDNS(t testing.TB) *DNS {
	t.Helper()
	return NewDNSAt(t, "127.0.0.1:0")
}

// NewDNSAt starts a server at host:port; in a namespace, that may be port 53.
func NewDNSAt(t testing.TB, addr string) *DNS {
	t.Helper()
	var conn net.PacketConn
	var listener net.Listener
	for range 10 { // the port that is free for UDP may be taken for TCP
		var err error
		if conn, err = net.ListenPacket("udp", addr); err != nil {
			t.Fatal(err)
		}
		if listener, err = net.Listen("tcp", conn.LocalAddr().String()); err == nil {
			break
		}
		conn.Close()
	}
	if listener == nil {
		t.Fatalf("no port at %s that is free for UDP and TCP", addr)
	}
	d := &DNS{Addr: conn.LocalAddr().String(), scripts: map[string]Script{}, asked: map[dns.Question]int{}, byTCP: map[string]int{}}
	for _, server := range []*dns.Server{{PacketConn: conn}, {Listener: listener}} {
		server.Handler = dns.HandlerFunc(d.serve)
		stopped, started := make(chan struct{}), make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() {
			defer close(stopped)
			server.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() {
			server.Shutdown()
			<-stopped
		})
	}
	return d
}

// Name lets questions for name, without a dot at its end, be answered by script.
func (d *DNS) Name(name string, script Script) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.scripts[strings.ToLower(name)+"."] = script
}

// Asked is how many questions of any type came for name.
func (d *DNS) Asked(name string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for question, times := range d.asked {
		if question.Name == strings.ToLower(name)+"." {
			n += times
		}
	}
	return n
}

// AskedByTCP is how many of Asked came by TCP.
func (d *DNS) AskedByTCP(name string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byTCP[strings.ToLower(name)+"."]
}

func (d *DNS) serve(w dns.ResponseWriter, r *dns.Msg) {
	question := r.Question[0]
	question.Name = strings.ToLower(question.Name)
	d.mu.Lock()
	script, n := d.scripts[question.Name], d.asked[question]
	d.asked[question]++
	if isTCP(w) {
		d.byTCP[question.Name]++
	}
	d.mu.Unlock()
	if script == nil {
		script = NXDomain
	}
	script(w, r, n)
}

func rcode(code int) Script {
	return func(w dns.ResponseWriter, r *dns.Msg, _ int) {
		m := new(dns.Msg).SetRcode(r, code)
		m.RecursionAvailable = true
		w.WriteMsg(m)
	}
}

// answerTo is an empty answer of a server that looks up for others.
func answerTo(r *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(r)
	m.RecursionAvailable = true
	return m
}

func isTCP(w dns.ResponseWriter) bool { return w.RemoteAddr().Network() == "tcp" }

// NXDomain says that the name does not exist.
func NXDomain(w dns.ResponseWriter, r *dns.Msg, n int) { rcode(dns.RcodeNameError)(w, r, n) }

// ServFail says that the server could not find out.
func ServFail(w dns.ResponseWriter, r *dns.Msg, n int) { rcode(dns.RcodeServerFailure)(w, r, n) }

// Refused says that the server does not want to.
func Refused(w dns.ResponseWriter, r *dns.Msg, n int) { rcode(dns.RcodeRefused)(w, r, n) }

// Empty says that the name exists and has no such record.
func Empty(w dns.ResponseWriter, r *dns.Msg, n int) { rcode(dns.RcodeSuccess)(w, r, n) }

// NoAnswer leaves the question unanswered.
func NoAnswer(dns.ResponseWriter, *dns.Msg, int) {}

// Truncated sends an empty answer with the TC bit, by TCP too.
func Truncated(w dns.ResponseWriter, r *dns.Msg, _ int) {
	m := answerTo(r)
	m.Truncated = true
	w.WriteMsg(m)
}

// TruncatedByUDP sends an empty answer with the TC bit by UDP, and answers by script by TCP.
func TruncatedByUDP(script Script) Script {
	return func(w dns.ResponseWriter, r *dns.Msg, n int) {
		if isTCP(w) {
			script(w, r, n)
			return
		}
		Truncated(w, r, n)
	}
}

// CutOff sends an answer that breaks off in the middle of its record.
func CutOff(w dns.ResponseWriter, r *dns.Msg, _ int) {
	m := answerTo(r)
	m.Answer = records(r.Question[0], "127.0.0.1")
	if len(m.Answer) == 0 {
		m.Answer = []dns.RR{&dns.TXT{Hdr: header(r.Question[0].Name, dns.TypeTXT), Txt: []string{"garbage"}}}
	}
	if packed, err := m.Pack(); err == nil {
		w.Write(packed[:len(packed)-3])
	}
}

// CNAMELoop says that the name is another's alias, and that one its.
func CNAMELoop(w dns.ResponseWriter, r *dns.Msg, _ int) {
	name := r.Question[0].Name
	m := answerTo(r)
	m.Answer = []dns.RR{
		&dns.CNAME{Hdr: header(name, dns.TypeCNAME), Target: "loop." + name},
		&dns.CNAME{Hdr: header("loop."+name, dns.TypeCNAME), Target: name},
	}
	w.WriteMsg(m)
}

// Aliases says that the name is an alias of an alias and so on, n in a row, and that the last one has the addresses.
func Aliases(n int, addrs ...string) Script {
	return func(w dns.ResponseWriter, r *dns.Msg, _ int) {
		m, question := answerTo(r), r.Question[0]
		for i := range n {
			target := fmt.Sprintf("alias%d.", i) + r.Question[0].Name
			m.Answer = append(m.Answer, &dns.CNAME{Hdr: header(question.Name, dns.TypeCNAME), Target: target})
			question.Name = target
		}
		m.Answer = append(m.Answer, records(question, addrs...)...)
		slices.Reverse(m.Answer) // the order says nothing
		w.WriteMsg(m)
	}
}

// Spoofed sends what somebody who guesses would, with a forged address, before the answer by script: another id, another
// question, a question instead of an answer, and no message at all.
func Spoofed(forged string, script Script) Script {
	return func(w dns.ResponseWriter, r *dns.Msg, n int) {
		for _, spoil := range []func(*dns.Msg){
			func(m *dns.Msg) { m.Id++ },
			func(m *dns.Msg) { m.Question[0].Name = "other." + m.Question[0].Name },
			func(m *dns.Msg) { m.Question = nil },
			func(m *dns.Msg) { m.Response = false },
		} {
			m := answerTo(r)
			m.Answer = records(r.Question[0], forged)
			spoil(m)
			w.WriteMsg(m)
		}
		w.Write([]byte("no message"))
		script(w, r, n)
	}
}

// WithTTL gives all records of script's answers a TTL in seconds, which is 0 else, and empty ones an SOA record that lets
// them be kept for as long.
func WithTTL(ttl uint32, script Script) Script {
	return func(w dns.ResponseWriter, r *dns.Msg, n int) { script(ttlWriter{w, ttl}, r, n) }
}

type ttlWriter struct {
	dns.ResponseWriter
	ttl uint32
}

func (w ttlWriter) WriteMsg(m *dns.Msg) error {
	for _, record := range m.Answer {
		record.Header().Ttl = w.ttl
	}
	if len(m.Answer) == 0 {
		soa := &dns.SOA{Hdr: header("test.", dns.TypeSOA), Ns: "ns.test.", Mbox: "host.test.", Minttl: w.ttl}
		soa.Hdr.Ttl = w.ttl
		m.Ns = append(m.Ns, soa)
	}
	return w.ResponseWriter.WriteMsg(m)
}

// Late answers by script after a while.
func Late(d time.Duration, script Script) Script {
	return func(w dns.ResponseWriter, r *dns.Msg, n int) {
		time.AfterFunc(d, func() { script(w, r, n) }) // the server's end does not wait for it
	}
}

// Addresses says that the name has all of the addresses.
func Addresses(addrs ...string) Script {
	return func(w dns.ResponseWriter, r *dns.Msg, _ int) {
		m := answerTo(r)
		m.Answer = records(r.Question[0], addrs...)
		w.WriteMsg(m)
	}
}

// Changing gives another address to each question, the last one from then on.
func Changing(addrs ...string) Script {
	return func(w dns.ResponseWriter, r *dns.Msg, n int) {
		Addresses(addrs[min(n, len(addrs)-1)])(w, r, n)
	}
}

func records(question dns.Question, addrs ...string) (all []dns.RR) {
	for _, text := range addrs {
		addr := net.ParseIP(text)
		switch isIPv4 := addr.To4() != nil; {
		case isIPv4 && question.Qtype == dns.TypeA:
			all = append(all, &dns.A{Hdr: header(question.Name, dns.TypeA), A: addr})
		case !isIPv4 && question.Qtype == dns.TypeAAAA:
			all = append(all, &dns.AAAA{Hdr: header(question.Name, dns.TypeAAAA), AAAA: addr})
		}
	}
	return all
}

func header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET}
}
