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

// EndsInNumber is true for hosts that URL parsers and inet_aton read as an IPv4 address: the last label is all digits, or
// 0x and hex digits, as in 127.1, 0x7f000001 and 2130706433.
func EndsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last, digits := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:]), "0123456789"
	if rest, hex := strings.CutPrefix(last, "0x"); hex {
		last, digits = rest, digits+"abcdef"
	} else if last == "" {
		return false
	}
	return strings.Trim(last, digits) == ""
}

// hostnameError is advice, with a host that would be right where what was typed holds one.
type hostnameError struct{ advice, suggestion string }

func (e *hostnameError) Error() string { return e.advice }

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
	if err := checkShape(s); err != nil {
		return "", "", err
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
	for label := range strings.SplitSeq(ascii, ".") {
		if !dnsLabel.MatchString(label) {
			return "", "", errors.New("Use letters, digits, hyphens and dots, like gw.example or 192.0.2.1")
		}
	}
	if EndsInNumber(ascii) {
		return "", "", errors.New("Write an IPv4 address as four decimal numbers, like 192.0.2.1")
	}
	return ascii, typed, nil
}

// checkShape recognizes the usual slips and says what to type instead; nil where there is none.
func checkShape(s string) error {
	slip := func(advice, rest string) error {
		host := bareHost(rest)
		if host == s { // nothing was taken off
			return &hostnameError{advice: advice}
		}
		if _, _, err := ParseHostname(host); err != nil {
			return &hostnameError{advice: advice}
		}
		return &hostnameError{advice: advice + ": use " + host, suggestion: host}
	}
	switch {
	case s == "":
		return &hostnameError{advice: "Type a host name or an IP address"}
	case !utf8.ValidString(s): // the profile would encode the bad byte as U+FFFD
		return &hostnameError{advice: "This is not valid text"}
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		if t := strings.TrimSpace(s); t != s {
			if _, _, err := ParseHostname(t); err == nil {
				return &hostnameError{advice: "Leave out the white space: use " + t, suggestion: t}
			}
		}
		return &hostnameError{advice: "Leave out white space and control characters"}
	case strings.Contains(s, "://"):
		scheme, rest, _ := strings.Cut(s, "://")
		return slip("Leave out “"+scheme+"://”", rest)
	case strings.ContainsAny(s, "/?#"):
		return slip("Leave out the path", s)
	case strings.Contains(s, "@"):
		return slip("Leave out the user name", s)
	case strings.ContainsAny(s, "[]"):
		return slip("Leave out the brackets", s)
	case strings.Contains(s, ":"):
		return slip("Leave out the port", s)
	}
	return nil
}

// bareHost takes path, user, brackets and port off.
func bareHost(s string) string {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if strings.HasPrefix(s, "[") {
		return strings.Trim(strings.SplitN(s, "]", 2)[0], "[]")
	}
	if i := strings.IndexByte(s, ':'); i >= 0 && strings.Count(s, ":") == 1 {
		s = s[:i]
	}
	return s
}
