package models

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
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

// nameAdvice is what to do about what cleanName says.
func nameAdvice(wrong string) string {
	switch wrong {
	case "is required":
		return "Type a name"
	case "is too long":
		return fmt.Sprintf("Longer than %d characters: shorten it", maxName)
	default:
		return "Leave out control characters"
	}
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

// countries are the officially assigned codes. x/text calls 36 more a country: withdrawn, reserved and grouping ones.
const countries = " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF " +
	"CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH " +
	"GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW " +
	"KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG " +
	"NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN " +
	"SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT " +
	"ZA ZM ZW "

// IsCountry accepts ISO 3166-1 alpha-2 codes in upper case.
func IsCountry(code string) bool {
	return len(code) == 2 && strings.Contains(countries, " "+code+" ")
}
