package handlers

import (
	"net"
	"net/url"

	"echolot/models"
)

// statusLocation is where something of the page is reached from outside: on its own domain once that is verified. Pairs are the names
// and values of its query.
func (s *Server) statusLocation(p models.StatusPage, sub string, pairs ...string) url.URL {
	u := *s.BaseURL
	u.Path = "/status/" + p.Slug + sub
	if p.CustomDomain != "" && !p.DomainVerifiedAt.IsZero() {
		u.Host, u.Path = s.domainHost(p.CustomDomain), sub
	}
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	u.RawQuery = q.Encode()
	return u
}

// domainHost is a page's domain with the port that the program is reached at from outside, as the base URL says: behind a proxy that is
// the proxy's, and mostly none.
func (s *Server) domainHost(domain string) string {
	if port := s.BaseURL.Port(); port != "" {
		return net.JoinHostPort(domain, port)
	}
	return domain
}

// statusHome is where visitors find the page. One that needs a link is not opened by it.
func (s *Server) statusHome(p models.StatusPage) string {
	u := s.statusLocation(p, "")
	return u.String()
}

// statusLinkURL opens the page to who has it.
func (s *Server) statusLinkURL(p models.StatusPage) string {
	u := s.statusLocation(p, "", "key", p.LinkToken)
	return u.String()
}

// statusAddress is where something of the page is read. Who reads a page by its link gets addresses with the link's key.
func (s *Server) statusAddress(p models.StatusPage, sub string, pairs ...string) string {
	if p.Visibility == models.VisibleLink {
		pairs = append(pairs, "key", p.LinkToken)
	}
	u := s.statusLocation(p, sub, pairs...)
	return u.String()
}

// noticeAddress is where a notice is read: its month, with the notice as the anchor.
func (s *Server) noticeAddress(p models.StatusPage, n models.StatusNotice) string {
	return s.statusAddress(p, "/history/"+n.StartsAt.In(p.Zone()).Format(monthForm)) + "#n-" + n.ID.String()
}
