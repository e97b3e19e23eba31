package views

// germanAccess is what a page says to who may not see it yet.
func germanAccess() map[string]string {
	return map[string]string{
		"Password needed": "Passwort nötig",
		"This status page is for people who know its password.": "Diese Statusseite ist für alle, die ihr Passwort kennen.",
		"Too many tries. Wait %d s, then try again.":            "Zu viele Versuche. Warten Sie %d s und versuchen Sie es dann noch einmal.",
		"That password is not right.":                           "Dieses Passwort stimmt nicht.",
		"Password":                                              "Passwort",
		"Open":                                                  "Öffnen",

		"Nothing here": "Hier ist nichts",
		"There is no page at this address. Perhaps it has a typing error.": "Unter dieser Adresse gibt es keine Seite. Vielleicht enthält sie einen Tippfehler.",
		"Not to be shown right now":                                        "Im Moment nicht zu zeigen", "Try again in a moment.": "Versuchen Sie es gleich noch einmal.",
		"That did not work": "Das ging nicht",
		"The request can not be answered. Go back, then try again.": "Die Anfrage lässt sich nicht beantworten. Gehen Sie zurück und versuchen Sie es noch einmal.",
	}
}
