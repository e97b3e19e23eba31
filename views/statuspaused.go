package views

import (
	"strings"

	"echolot/models"
)

// paused tells whether people chose not to measure the component. It is no trouble, and no news.
func paused(c models.StatusComponent) bool { return c.State == models.StatePaused && !c.Maintenance }

// setAside takes what is paused from what is not measured, unless that is all there is: then it is said by itself, and makes nothing worse.
func (p StatusPage) setAside(v verdict) {
	if len(v.Names["unknown"]) == v.All {
		return
	}
	var unknown []string
	for _, g := range p.Board.Groups {
		for _, c := range g.Components {
			switch {
			case paused(c):
				v.Names["paused"] = append(v.Names["paused"], c.Name)
			case p.Kind(c) == "unknown":
				unknown = append(unknown, c.Name)
			}
		}
	}
	v.Names["unknown"] = unknown
}

// allUp says that nothing is wrong, and of what.
func (p StatusPage) allUp(v verdict) string {
	if len(v.Names["paused"]) > 0 {
		return p.T("All measured services are up")
	}
	return p.T("All services are up")
}

// isolated is a name as it may stand in a sentence: what turns the direction of writing in it (Unicode Standard Annex #9, §2) ends with it.
// In an element of its own, <bdi> does that.
func isolated(name string) string {
	if !strings.ContainsFunc(name, turnsWriting) {
		return name
	}
	closed := strings.Map(func(r rune) rune {
		if r >= '\u2066' && r <= '\u2069' { // an isolate of its own could end ours
			return -1
		}
		return r
	}, name)
	return "\u2068" + closed + "\u2069"
}

// turnsWriting is true for embeddings, overrides and isolates.
func turnsWriting(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// isolatedList is the names, one after the other.
func isolatedList(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = isolated(name)
	}
	return strings.Join(list, ", ")
}
