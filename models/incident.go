package models

// IncidentType is what kind of trouble an incident is.
type IncidentType string

// The types of incident. IncidentBlind is trouble of our own: a location could not measure.
const (
	IncidentNone     IncidentType = ""
	IncidentDowntime IncidentType = "downtime"
	IncidentDegraded IncidentType = "degraded"
	IncidentBlind    IncidentType = "blind"
)
