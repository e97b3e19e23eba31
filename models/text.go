package models

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// fold makes text comparable without case, for search: SQLite's LIKE folds ASCII only.
func fold(parts ...string) string {
	return cases.Fold().String(norm.NFC.String(strings.Join(parts, "\n")))
}

// likePattern is the LIKE pattern for a folded substring; its escape character is a backslash.
func likePattern(s string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(fold(s)) + "%"
}

// cleanName trims a name and says what is wrong with it, or nothing.
func cleanName(s string, limit int) (name, wrong string) {
	name = strings.TrimSpace(s)
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return name, "is required"
	case n > limit:
		return name, "is too long"
	case strings.ContainsFunc(name, unicode.IsControl):
		return name, "contains a control character"
	}
	return name, ""
}

// isEmail accepts a bare RFC 5321 mailbox: no display name, at most 254 octets, a local part of at most 64.
func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || len(s) > 254 {
		return false
	}
	at := strings.LastIndexByte(s, '@')
	if at > 64 || strings.ContainsFunc(s, unicode.IsControl) {
		return false
	}
	_, _, err = ParseHostname(s[at+1:])
	return err == nil
}

// e164 is an international telephone number, ITU-T E.164 §6: a plus and up to 15 digits.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// IsCountry accepts ISO 3166-1 alpha-2 codes in upper case.
func IsCountry(code string) bool {
	if len(code) != 2 {
		return false
	}
	region, err := language.ParseRegion(code)
	return err == nil && region.IsCountry() && region.String() == code
}
