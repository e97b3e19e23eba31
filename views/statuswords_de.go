package views

// germanPage is what the frame of the page, its banner, its services and its dates say.
func germanPage() map[string]string {
	return map[string]string{
		"Skip to content": "Zum Inhalt springen",

		"Mon": "Mo", "Tue": "Di", "Wed": "Mi", "Thu": "Do", "Fri": "Fr", "Sat": "Sa", "Sun": "So",
		"Jan": "Jan.", "Feb": "Feb.", "Mar": "März", "Apr": "Apr.", "May": "Mai", "Jun": "Juni", "Jul": "Juli", "Aug": "Aug.", "Sep": "Sept.",
		"Oct": "Okt.", "Nov": "Nov.", "Dec": "Dez.",
		"January": "Januar", "February": "Februar", "March": "März", "April": "April", "June": "Juni", "July": "Juli", "August": "August",
		"September": "September", "October": "Oktober", "November": "November", "December": "Dezember",
		"%s %d %s": "%s %d. %s",
		"%d %s":    "%d. %s",
		"d":        "Tg.",
	}
}
