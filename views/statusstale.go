package views

import "time"

// staleTime is when the board was read, in the page's time zone: with its date, because it may be of yesterday.
func staleTime(p StatusPage) string {
	zone, err := time.LoadLocation(p.Board.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return p.Board.At.In(zone).Format("2006-01-02 15:04:05 MST")
}
