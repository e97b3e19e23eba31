package models

import "strconv"

// Combine is the state of a monitor, of its states at its locations. Only locations that have a verdict vote: up, degraded or
// down. A monitor is down where as many as the quorum asks for say so, degraded where as many say at least that, else up. A number
// beyond the voters means all of them, so that a location that is lost can not keep a monitor up for ever. Without a voter it is
// what all locations are, else unknown where one of them is, else pending. Of one location it is that location's state.
func Combine(states []State, q Quorum) State {
	var voters, down, degraded int
	seen := map[State]bool{}
	for _, state := range states {
		seen[state] = true
		switch state {
		case StateDown:
			down++
		case StateDegraded:
			degraded++
		case StateUp:
		default:
			continue
		}
		voters++
	}
	switch need := q.of(voters); {
	case voters > 0 && down >= need:
		return StateDown
	case voters > 0 && down+degraded >= need:
		return StateDegraded
	case voters > 0:
		return StateUp
	case len(seen) == 1:
		return states[0]
	case len(seen) == 0 || seen[StateUnknown]:
		return StateUnknown
	default:
		return StatePending
	}
}

// of is how many of the voters must agree. The empty quorum is the majority.
func (q Quorum) of(voters int) int {
	switch q {
	case "any":
		return 1
	case "all":
		return voters
	}
	if n, err := strconv.Atoi(string(q)); err == nil {
		return min(max(n, 1), voters)
	}
	return voters/2 + 1
}
