package models

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// dnsLabel is one label of a host name as the contract takes it: letters, digits, hyphens and underscores, 1 to 63, no
// hyphen at either end.
var dnsLabel = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)

// number is a last label that some resolvers read as (part of) an IPv4 address: 127.1, 0x7f000001, 2130706433.
var numberLabel = regexp.MustCompile(`^([0-9]+|0[xX][0-9A-Fa-f]*)$`)

// hostProfile maps what people type (case, full-width dots) and encodes it; underscores pass, as the contract wants.
func hostProfile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))
}

// ParseHostname takes a DNS name or an IP address apart. ascii is what is resolved or sent to: the address in its
// canonical form, or the name in punycode (RFC 5891 §4.4) and lower case, without a trailing dot; typed is what people see.
// The error's text is advice.
func ParseHostname(s string) (ascii, typed string, err error) {
	address := s
	if !strings.Contains(s, ":") {
		address = strings.TrimSuffix(s, ".") // 192.0.2.1. is the address too; resolvers and browsers read it so
	}
	if a, err := netip.ParseAddr(address); err == nil {
		if a.Zone() != "" {
			return "", "", errors.New("Leave out the zone after “%”")
		}
		return a.String(), a.String(), nil
	}
	if advice := shapeAdvice(s); advice != "" {
		return "", "", errors.New(advice)
	}
	typed = strings.TrimSuffix(s, ".")
	ascii = typed
	if strings.ContainsFunc(typed, func(r rune) bool { return r > unicode.MaxASCII }) || strings.Contains(strings.ToLower(typed), "xn--") {
		if ascii, err = hostProfile().ToASCII(typed); err != nil {
			return "", "", errors.New("This is not a valid internationalized name")
		}
		ascii = strings.TrimSuffix(ascii, ".")
	}
	ascii = strings.ToLower(ascii)
	if ascii == "" || len(ascii) > 253 {
		return "", "", errors.New("A host name has 1 to 253 characters")
	}
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		if !dnsLabel.MatchString(label) {
			return "", "", errors.New("Use letters, digits, hyphens and dots, like gw.example or 192.0.2.1")
		}
	}
	if last := labels[len(labels)-1]; numberLabel.MatchString(last) {
		return "", "", errors.New("Write an IPv4 address as four decimal numbers, like 192.0.2.1")
	}
	return ascii, typed, nil
}

// shapeAdvice recognizes the usual slips and says what to type instead; empty where there is none.
func shapeAdvice(s string) string {
	use := func(rest string) string {
		host := rest
		if i := strings.IndexAny(host, "/?#"); i >= 0 {
			host = host[:i]
		}
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			host = host[i+1:]
		}
		if strings.HasPrefix(host, "[") {
			host = strings.Trim(strings.SplitN(host, "]", 2)[0], "[]")
		} else if i := strings.IndexByte(host, ':'); i >= 0 && strings.Count(host, ":") == 1 {
			host = host[:i]
		}
		if host == s {
			return ""
		}
		if _, _, err := ParseHostname(host); err != nil {
			return ""
		}
		return ": use " + host
	}
	switch {
	case s == "":
		return "Type a host name or an IP address"
	case !utf8.ValidString(s): // the profile would encode the bad byte as U+FFFD
		return "This is not valid text"
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		if t := strings.TrimSpace(s); t != s {
			if _, _, err := ParseHostname(t); err == nil {
				return "Leave out the white space: use " + t
			}
		}
		return "Leave out white space and control characters"
	case strings.Contains(s, "://"):
		scheme, rest, _ := strings.Cut(s, "://")
		return "Leave out “" + scheme + "://”" + use(rest)
	case strings.ContainsAny(s, "/?#"):
		return "Leave out the path" + use(s)
	case strings.Contains(s, "@"):
		return "Leave out the user name" + use(s)
	case strings.ContainsAny(s, "[]"):
		return "Leave out the brackets" + use(s)
	case strings.Contains(s, ":"):
		return "Leave out the port" + use(s)
	}
	return ""
}
