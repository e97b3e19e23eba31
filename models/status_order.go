package models

import (
	"slices"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// countedOrder brings the rows from the first that nobody placed into the order in which people count and spell: "Host 2" before
// "Host 10", "Ärztehaus" beside "Arzt". Both databases order text by its bytes.
func countedOrder[T any](rows []T, spoken string, placed func(T) bool, name func(T) string) {
	first := slices.IndexFunc(rows, func(r T) bool { return !placed(r) })
	if first < 0 {
		return
	}
	order := collate.New(language.Make(spoken), collate.Numeric, collate.IgnoreCase)
	slices.SortStableFunc(rows[first:], func(a, b T) int { return order.CompareString(name(a), name(b)) })
}
