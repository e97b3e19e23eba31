package views

import (
	"time"

	"echolot/models"
)

// delayText says why what is shown is not the newest.
func (p StatusPage) delayText() string {
	switch p.Board.Delay {
	case models.DelayStoring:
		return p.T("Checks go on, but their results wait to be stored.")
	case models.DelayReading:
		return p.T("Newer measurements can not be read at the moment.")
	default:
		return p.T("No new results come at the moment.")
	}
}

// Late is true where what is shown is what was known last, and newer results should be there; while the board is silent it is shown no
// more.
func (p StatusPage) Late() bool { return p.Board.Delay != "" && !p.Board.Silent }

// Dated is a text with the moment that it is of, where it is not of now: up, as of 13:58 CET.
func (p StatusPage) Dated(text string, of time.Time) string {
	if !p.Late() || of.IsZero() {
		return text
	}
	return p.T("%s, as of %s", text, p.zoned(of))
}

// Exactly is Dated to the second, with the date: for what is kept.
func (p StatusPage) Exactly(text string, of time.Time) string {
	if !p.Late() || of.IsZero() {
		return text
	}
	return p.T("%s, as of %s", text, p.wholeTime(of))
}

// zoned is Moment with its zone, for what stands where nothing else names it.
func (p StatusPage) zoned(t time.Time) string { return p.Moment(t) + " " + p.local(t).Format("MST") }

// ComponentWord is a component's state within a sentence, and of when it is where that is not now: up, as of 13:58 CET.
func (p StatusPage) ComponentWord(c models.StatusComponent) string {
	kind := p.Kind(c)
	word := p.KindWord(kind)
	if since := p.Board.NotMeasuredSince(c); kind == "unknown" && p.Board.Silent && !since.IsZero() {
		return word + " " + p.T("since %s", p.zoned(since))
	}
	return p.Dated(word, c.CheckedAt)
}

// wholeTime is a moment with its date and zone: for what may be of yesterday, and stands alone.
func (p StatusPage) wholeTime(t time.Time) string {
	return p.local(t).Format("2006-01-02 15:04:05 MST")
}
