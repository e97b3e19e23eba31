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
	}
}
