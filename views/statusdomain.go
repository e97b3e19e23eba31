package views

import "time"

// StatusDomainPage is where a status page gets a domain of its own.
type StatusDomainPage struct {
	Page
	Head     StatusPageHead
	PublicID string
	// Domain is the one that the page has, or empty; Typed is what stands in the field, Error what is wrong with it.
	Domain, Typed, Error string
	// Record and Value are the name and the text of the TXT record that proves the domain.
	Record, Value string
	// Proved is when it was proved, Missing since when the record is gone again; both may be zero.
	Proved, Missing time.Time
	// TLS is true where certificates are asked for by ourselves.
	TLS bool
}

func (p StatusDomainPage) path() string { return "/status-pages/" + p.PublicID + "/domain" }

func (p StatusDomainPage) field() field {
	return field{Name: "customDomainHostname", Label: "Domain", Opt: "empty: none", Value: p.Typed, Error: p.Error, Mono: true, Focus: p.Domain == ""}
}

// serving says how the domain's visitors arrive here.
func (p StatusDomainPage) serving() string {
	if p.TLS {
		return "Point the name at this server with a CNAME, A or AAAA record. A certificate is asked for at the first visit."
	}
	return "Point the name at the proxy before this server, which needs a certificate for it and must pass the Host header on."
}
