package views

import (
	"time"

	"echolot/models"
)

// feedTime is a moment in the page's zone; who reads a feed may read it much later, so the day and the year are always there.
func (p StatusPage) feedTime(t time.Time) string {
	return p.local(t).Format("2006-01-02 15:04 MST")
}

func (p StatusPage) feedTimes(n models.StatusNotice) string {
	if n.EndsAt.IsZero() {
		return p.feedTime(n.StartsAt)
	}
	return p.feedTime(n.StartsAt) + " – " + p.feedTime(n.EndsAt)
}
