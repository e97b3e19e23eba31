package models

import "echolot/models/events"

// publishMonitor tells of a committed change.
func (s *Store) publishMonitor(t events.Type, row MonitorRow) {
	s.publish(s.monitorEvent(t, row))
}

// monitorEvent is an event about a monitor; its Data is the MonitorRow.
func (s *Store) monitorEvent(t events.Type, row MonitorRow) events.Event {
	return events.Event{Type: t, At: s.clock(), OrganizationID: row.OrganizationID, CustomerID: row.CustomerID,
		MonitorID: row.ID, PublicID: row.PublicID.String(), Data: row}
}

// publish drops counters that an event makes stale, then tells the bus.
func (s *Store) publish(list ...events.Event) {
	for _, e := range list {
		if e.Type != events.Check {
			s.counts.drop(e.OrganizationID)
		}
	}
	s.bus.Publish(list...)
}
