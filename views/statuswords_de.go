package views

// germanPage is what the frame of the page, its banner, its services and its dates say.
func germanPage() map[string]string {
	return map[string]string{
		"Newer measurements can not be read at the moment.":  "Neuere Messungen sind im Moment nicht lesbar.",
		"Checks go on, but their results wait to be stored.": "Die Messungen gehen weiter, ihre Ergebnisse warten aber noch auf das Speichern.",
		"No new results come at the moment.":                 "Im Moment kommen keine neuen Ergebnisse.",
		"The newest that is known is of":                     "Das neueste bekannte ist von",
		"as of %s":                                           "Stand %s", "%s, as of %s": "%s, Stand %s", "No new results": "Keine neuen Ergebnisse",
		"Skip to content": "Zum Inhalt springen", "Page": "Seite",
		"Get updates": "Abonnieren", "Atom feed": "Atom-Feed", "JSON feed": "JSON-Feed", "Calendar of maintenance": "Kalender der Wartungen",
		"All times in %s": "Alle Zeiten in %s", "Show in my zone": "In meiner Zeitzone zeigen", "Show in %s": "In %s zeigen",
		"Bars and days without a time: %s": "Balken und Tage ohne Uhrzeit: %s", "Figures as JSON": "Zahlen als JSON",
		"Measured with Echolot": "Gemessen mit Echolot", "Measured with Echolot, every %s": "Gemessen mit Echolot, alle %s",
		"Measured with Echolot, every %s to %s": "Gemessen mit Echolot, alle %s bis %s",
		"All measured services are up":          "Alle gemessenen Dienste sind erreichbar", "Paused": "Pausiert", "Paused: %s.": "Pausiert: %s.",
		"The state of %s now and over the last %d days": "Der Zustand von %s jetzt und in den letzten %d Tagen",

		"connection lost, trying again": "Verbindung verloren, neuer Versuch läuft", "%s ago": "vor %s", "now": "jetzt", "measured": "gemessen",
		"nothing measured yet": "noch nichts gemessen",

		"Nothing is shown here yet": "Hier wird noch nichts gezeigt", "Nothing is measured at present": "Zurzeit wird nichts gemessen",
		"All services are up": "Alle Dienste sind erreichbar", "Maintenance is under way": "Wartungsarbeiten laufen",
		"An incident is being worked on": "An einer Störung wird gearbeitet",
		"One service is down":            "Ein Dienst ist ausgefallen", "%d services are down": "%d Dienste sind ausgefallen",
		"One service is degraded": "Ein Dienst ist beeinträchtigt", "%d services are degraded": "%d Dienste sind beeinträchtigt",
		"One service is unstable": "Ein Dienst ist instabil", "%d services are unstable": "%d Dienste sind instabil",
		"One service is not measured": "Ein Dienst wird nicht gemessen", "%d services are not measured": "%d Dienste werden nicht gemessen",
		"%d of %d services are fine.": "%d von %d Diensten sind in Ordnung.", "and %d more": "und %d weitere",
		"Down: %s.": "Ausgefallen: %s.", "Degraded: %s.": "Beeinträchtigt: %s.", "Maintenance: %s.": "Wartung: %s.", "Not measured: %s.": "Nicht gemessen: %s.",
		"Maintenance begins %s: %s": "Wartung beginnt %s: %s",

		"Services": "Dienste", "last %d days": "letzte %d Tage", "%d days ago": "vor %d Tagen", "today": "heute", "%d h": "%d h",
		"Maintenance": "Wartung", "Up": "Erreichbar", "Degraded": "Beeinträchtigt", "Down": "Ausgefallen", "Not measured": "Nicht gemessen",
		"Not measured yet": "Noch nicht gemessen", "since %s": "seit %s", "no reply": "keine Antwort",
		"%s up": "%s erreichbar", "not measured": "nicht gemessen", "not measured yet": "noch nicht gemessen",
		"of %s measured": "von %s Messzeit", "of %d days measured": "von %d gemessenen Tagen",
		"one day not measured": "ein Tag nicht gemessen", "%d days not measured": "%d Tage nicht gemessen", "%s not measured": "%s nicht gemessen",
		"down %s": "ausgefallen %s", "degraded %s": "beeinträchtigt %s", "maintenance %s": "Wartung %s", "not measured %s": "nicht gemessen %s",
		"How the bars read": "Wie die Balken zu lesen sind", "up all day": "den ganzen Tag erreichbar", "degraded for part of it": "zum Teil beeinträchtigt",
		"down for part of it": "zum Teil ausgefallen", "not measured for part of it": "zum Teil nicht gemessen", "maintenance": "Wartung",

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
