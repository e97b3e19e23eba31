package views

// staleTime is when the board was read, in the page's time zone: with its date, because it may be of yesterday.
func staleTime(p StatusPage) string {
	return p.local(p.Board.At).Format("2006-01-02 15:04:05 MST")
}
