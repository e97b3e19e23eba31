package lab

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Script answers the n-th question (from 0) for one name and type.
type Script func(w dns.ResponseWriter, question *dns.Msg, n int)

// DNS is a name server on loopback that answers by script, UDP only. A name without a script does not exist.
type DNS struct {
	// Addr is its host:port.
	Addr string

	mu      sync.Mutex
	scripts map[string]Script
	asked   map[dns.Question]int
}

// NewDNS starts a server that lasts as long as the test.
func NewDNS(t testing.TB) *DNS {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &DNS{Addr: conn.LocalAddr().String(), scripts: map[string]Script{}, asked: map[dns.Question]int{}}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(d.serve)}
	stopped := make(chan struct{})
	started := make(chan struct{})
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

func (d *DNS) serve(w dns.ResponseWriter, r *dns.Msg) {
	question := r.Question[0]
	question.Name = strings.ToLower(question.Name)
	d.mu.Lock()
	script, n := d.scripts[question.Name], d.asked[question]
	d.asked[question]++
	d.mu.Unlock()
	if script == nil {
		script = NXDomain
	}
	script(w, r, n)
}

func rcode(code int) Script {
	return func(w dns.ResponseWriter, r *dns.Msg, _ int) {
		w.WriteMsg(new(dns.Msg).SetRcode(r, code))
	}
}

// NXDomain says that the name does not exist.
func NXDomain(w dns.ResponseWriter, r *dns.Msg, n int) { rcode(dns.RcodeNameError)(w, r, n) }

// ServFail says that the server could not find out.
func ServFail(w dns.ResponseWriter, r *dns.Msg, n int) { rcode(dns.RcodeServerFailure)(w, r, n) }

// Empty says that the name exists and has no such record.
func Empty(w dns.ResponseWriter, r *dns.Msg, n int) { rcode(dns.RcodeSuccess)(w, r, n) }

// NoAnswer leaves the question unanswered.
func NoAnswer(dns.ResponseWriter, *dns.Msg, int) {}

// Truncated sends an empty answer with the TC bit; by TCP nobody listens.
func Truncated(w dns.ResponseWriter, r *dns.Msg, _ int) {
	m := new(dns.Msg).SetReply(r)
	m.Truncated = true
	w.WriteMsg(m)
}

// CutOff sends an answer that breaks off in the middle of its record.
func CutOff(w dns.ResponseWriter, r *dns.Msg, _ int) {
	m := new(dns.Msg).SetReply(r)
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
	m := new(dns.Msg).SetReply(r)
	m.Answer = []dns.RR{
		&dns.CNAME{Hdr: header(name, dns.TypeCNAME), Target: "loop." + name},
		&dns.CNAME{Hdr: header("loop."+name, dns.TypeCNAME), Target: name},
	}
	w.WriteMsg(m)
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
		m := new(dns.Msg).SetReply(r)
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
