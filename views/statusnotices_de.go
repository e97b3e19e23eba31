package views

// germanNotices is what incidents, announcements and maintenance say.
func germanNotices() map[string]string {
	return map[string]string{
		"Happening now": "Gerade jetzt",
		"Announced":     "Angekündigt",
		"Past":          "Vergangenes",
	}
}
