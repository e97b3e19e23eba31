package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// TXT returns the texts of the name's TXT records as the DNS servers say now, each with its strings joined, none where there is no
// such record or name. It is not cached: who asks has just written the record. An error means that nobody could say.
func (r *Resolver) TXT(ctx context.Context, name string) ([]string, error) {
	name = strings.ToLower(dns.Fqdn(name))
	if _, ok := dns.IsDomainName(name); !ok || len(name) > maxNameLength {
		return nil, fmt.Errorf("%s is no name", name)
	}
	r.files.look()
	l := &lookup{question: question{name: name}, ctx: ctx}
	config := r.files.servers()
	servers := config.inTurn()
	tries := max(config.Attempts*len(servers), 1)
	err := errors.New("no time was left")
	for try := range tries {
		left := time.Duration(config.Timeout) * time.Second
		if deadline, ok := ctx.Deadline(); ok {
			left = min(left, max(shortestTry, time.Until(deadline)/time.Duration(tries-try)))
		}
		var reply *dns.Msg
		if ctx.Err() != nil || len(servers) == 0 {
			return nil, err
		}
		if reply, err = l.reply(servers[try%len(servers)], name, dns.TypeTXT, left); err != nil {
			continue
		}
		var texts []string
		if texts, err = readTXT(reply); err == nil {
			return texts, nil
		}
	}
	return nil, err
}

// readTXT takes the texts out of an answer, whatever aliases lead to them.
func readTXT(reply *dns.Msg) ([]string, error) {
	switch {
	case reply.Rcode == dns.RcodeNameError:
		return nil, nil
	case reply.Rcode != dns.RcodeSuccess:
		return nil, fmt.Errorf("answered %s", dns.RcodeToString[reply.Rcode])
	case reply.Truncated:
		return nil, errors.New("truncated its answer by TCP")
	case len(reply.Answer) == 0 && refersOn(reply):
		return nil, errors.New("does not answer for that name")
	}
	var texts []string
	name := reply.Question[0].Name
	for range maxAliases + 1 {
		alias := ""
		for _, record := range reply.Answer {
			if !strings.EqualFold(record.Header().Name, name) {
				continue
			}
			switch r := record.(type) {
			case *dns.TXT:
				texts = append(texts, strings.Join(r.Txt, ""))
			case *dns.CNAME:
				alias = r.Target
			}
		}
		if len(texts) > 0 || alias == "" {
			return texts, nil
		}
		name = alias
	}
	return nil, fmt.Errorf("answered with more than %d aliases in a row", maxAliases)
}
