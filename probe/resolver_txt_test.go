package probe

import (
	"context"
	"slices"
	"testing"
	"time"

	"echolot/probe/lab"

	"github.com/miekg/dns"
)

// texts answers a question for TXT with one record of each text, whose strings are of ten characters at most.
func texts(list ...string) lab.Script {
	return func(w dns.ResponseWriter, r *dns.Msg, _ int) {
		m := new(dns.Msg).SetReply(r)
		for _, text := range list {
			record := &dns.TXT{Hdr: dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}}
			for chunk := range slices.Chunk([]byte(text), 10) {
				record.Txt = append(record.Txt, string(chunk))
			}
			m.Answer = append(m.Answer, record)
		}
		_ = w.WriteMsg(m)
	}
}

// alias leads to another name, whose record is in the same answer.
func alias(text string) lab.Script {
	return func(w dns.ResponseWriter, r *dns.Msg, _ int) {
		m := new(dns.Msg).SetReply(r)
		m.Answer = []dns.RR{
			&dns.TXT{Hdr: dns.RR_Header{Name: "elsewhere.test.", Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{text}},
			&dns.CNAME{Hdr: dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 60}, Target: "elsewhere.test."},
		}
		_ = w.WriteMsg(m)
	}
}

// What is not there is told apart from what nobody could say.
func TestResolverTXT(t *testing.T) {
	server := lab.NewDNS(t)
	long := "a text that is longer than one string of a record holds"
	for name, script := range map[string]lab.Script{"two.test": texts("one", long), "large.test": lab.TruncatedByUDP(texts(long)), "alias.test": alias("there"), "empty.test": lab.Empty,
		"gone.test": lab.NXDomain, "broken.test": lab.ServFail, "refused.test": lab.Refused, "loop.test": lab.CNAMELoop, "cut.test": lab.CutOff, "address.test": lab.Addresses("192.0.2.1")} {
		server.Name(name, script)
	}
	r := NewResolver(server.Addr)
	for name, want := range map[string][]string{"two.test": {"one", long}, "Two.Test.": {"one", long}, "large.test": {long}, "alias.test": {"there"}, "empty.test": nil,
		"gone.test": nil, "no.such.test": nil, "address.test": nil} {
		if got, err := r.TXT(t.Context(), name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"broken.test", "refused.test", "loop.test", "cut.test", "a..b"} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if got, err := r.TXT(ctx, name); err == nil {
			t.Errorf("%q: got %q, want an error", name, got)
		}
		cancel()
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := r.TXT(gone, "two.test"); err == nil {
		t.Errorf("after the end: got %q, want an error", got)
	}
}
