package models

// Status is what people set on a monitor.
type Status string

// The statuses.
const (
	StatusActive      Status = "active"
	StatusMaintenance Status = "maintenance"
	StatusDisabled    Status = "disabled"
)
