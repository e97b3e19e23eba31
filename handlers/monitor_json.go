package handlers

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/google/uuid"
)

// savedMonitor answers POST and PATCH; the order of its keys is the founding page's, then ours.
type savedMonitor struct {
	ID                       int64             `json:"id"`
	OrganizationID           int64             `json:"organizationId"`
	CustomerID               int64             `json:"customerId"`
	Name                     string            `json:"name"`
	Hostname                 string            `json:"hostname"`
	Port                     *int              `json:"port"`
	Status                   models.Status     `json:"status"`
	CheckInterval            float64           `json:"checkInterval"`
	TimeoutSeconds           float64           `json:"timeoutSeconds"`
	AllowedCheckCountryCodes []string          `json:"allowedCheckCountryCodes"`
	NotificationPhoneNumber  *string           `json:"notificationPhoneNumber"`
	NotificationEmail        *string           `json:"notificationEmail"`
	LastCheckedAt            isoTime           `json:"lastCheckedAt"`
	CreatedAt                isoTime           `json:"createdAt"`
	UpdatedAt                isoTime           `json:"updatedAt"`
	Config                   models.IcmpConfig `json:"config"`
	IcmpConfig               models.IcmpConfig `json:"icmpConfig"`
	PublicID                 uuid.UUID         `json:"publicId"`
	CheckIntervalSeconds     int               `json:"checkIntervalSeconds"`
	State                    models.State      `json:"state"`
	Warnings                 []string          `json:"warnings,omitempty"`
}

func newSavedMonitor(m models.MonitorRow) savedMonitor {
	return savedMonitor{
		ID: m.ID, OrganizationID: m.OrganizationID, CustomerID: m.CustomerID, Name: m.Name, Hostname: m.HostnameTyped, Port: m.Port, Status: m.Status,
		CheckInterval: minutes(m.IntervalSeconds), TimeoutSeconds: m.Timeout().Seconds(), AllowedCheckCountryCodes: m.CountryCodes,
		NotificationPhoneNumber: m.NotificationPhoneNumber, NotificationEmail: m.NotificationEmail, LastCheckedAt: isoTime{m.State.LastCheckedAt},
		CreatedAt: isoTime{m.CreatedAt}, UpdatedAt: isoTime{m.UpdatedAt}, Config: m.Config, IcmpConfig: m.Config, PublicID: m.PublicID,
		CheckIntervalSeconds: m.IntervalSeconds, State: m.State.State, Warnings: m.Config.Warnings(),
	}
}

// listedMonitor is an item of the list.
type listedMonitor struct {
	ID                       int64             `json:"id"`
	OrganizationID           int64             `json:"organizationId"`
	CustomerID               int64             `json:"customerId"`
	CustomerName             string            `json:"customerName"`
	Name                     string            `json:"name"`
	Hostname                 string            `json:"hostname"`
	Status                   models.Status     `json:"status"`
	CheckInterval            float64           `json:"checkInterval"`
	TimeoutSeconds           float64           `json:"timeoutSeconds"`
	Port                     *int              `json:"port"`
	Config                   models.IcmpConfig `json:"config"`
	NotificationPhoneNumber  *string           `json:"notificationPhoneNumber"`
	NotificationEmail        *string           `json:"notificationEmail"`
	LastCheckedAt            isoTime           `json:"lastCheckedAt"`
	CreatedAt                isoTime           `json:"createdAt"`
	UpdatedAt                isoTime           `json:"updatedAt"`
	PublicID                 uuid.UUID         `json:"publicId"`
	AllowedCheckCountryCodes []string          `json:"allowedCheckCountryCodes"`
	CheckIntervalSeconds     int               `json:"checkIntervalSeconds"`
	State                    models.State      `json:"state"`
}

func newListedMonitor(m models.MonitorRow) listedMonitor {
	return listedMonitor{
		ID: m.ID, OrganizationID: m.OrganizationID, CustomerID: m.CustomerID, CustomerName: m.CustomerName, Name: m.Name, Hostname: m.HostnameTyped,
		Status: m.Status, CheckInterval: minutes(m.IntervalSeconds), TimeoutSeconds: m.Timeout().Seconds(), Port: m.Port, Config: m.Config,
		NotificationPhoneNumber: m.NotificationPhoneNumber, NotificationEmail: m.NotificationEmail, LastCheckedAt: isoTime{m.State.LastCheckedAt},
		CreatedAt: isoTime{m.CreatedAt}, UpdatedAt: isoTime{m.UpdatedAt}, PublicID: m.PublicID, AllowedCheckCountryCodes: m.CountryCodes,
		CheckIntervalSeconds: m.IntervalSeconds, State: m.State.State,
	}
}

// shownMonitor answers GET of one.
type shownMonitor struct {
	ID                       int64             `json:"id"`
	OrganizationID           int64             `json:"organizationId"`
	CustomerID               int64             `json:"customerId"`
	Name                     string            `json:"name"`
	Hostname                 string            `json:"hostname"`
	Port                     *int              `json:"port"`
	Status                   models.Status     `json:"status"`
	CheckInterval            float64           `json:"checkInterval"`
	TimeoutSeconds           float64           `json:"timeoutSeconds"`
	Config                   models.IcmpConfig `json:"config"`
	NotificationPhoneNumber  *string           `json:"notificationPhoneNumber"`
	NotificationEmail        *string           `json:"notificationEmail"`
	LastCheckedAt            isoTime           `json:"lastCheckedAt"`
	CreatedAt                isoTime           `json:"createdAt"`
	UpdatedAt                isoTime           `json:"updatedAt"`
	IcmpConfig               models.IcmpConfig `json:"icmpConfig"`
	PublicID                 uuid.UUID         `json:"publicId"`
	AllowedCheckCountryCodes []string          `json:"allowedCheckCountryCodes"`
	CheckIntervalSeconds     int               `json:"checkIntervalSeconds"`
	State                    models.State      `json:"state"`
}

func newShownMonitor(m models.MonitorRow) shownMonitor {
	return shownMonitor{
		ID: m.ID, OrganizationID: m.OrganizationID, CustomerID: m.CustomerID, Name: m.Name, Hostname: m.HostnameTyped, Port: m.Port, Status: m.Status,
		CheckInterval: minutes(m.IntervalSeconds), TimeoutSeconds: m.Timeout().Seconds(), Config: m.Config,
		NotificationPhoneNumber: m.NotificationPhoneNumber, NotificationEmail: m.NotificationEmail, LastCheckedAt: isoTime{m.State.LastCheckedAt},
		CreatedAt: isoTime{m.CreatedAt}, UpdatedAt: isoTime{m.UpdatedAt}, IcmpConfig: m.Config, PublicID: m.PublicID,
		AllowedCheckCountryCodes: m.CountryCodes, CheckIntervalSeconds: m.IntervalSeconds, State: m.State.State,
	}
}

// checkItem is one check in the history and in the event "check".
type checkItem struct {
	ID             uuid.UUID      `json:"id"`
	Status         models.Outcome `json:"status"`
	ErrorMessage   *string        `json:"errorMessage"`
	WarningMessage *string        `json:"warningMessage"`
	TimingIcmp     *int64         `json:"timingIcmp"`
	Diagnostics    diagnostics    `json:"diagnostics"`
	CheckedAt      isoTime        `json:"checkedAt"`
	LocationID     int64          `json:"locationId"`
	LocationName   string         `json:"locationName"`
	LocationCode   string         `json:"locationCode"`
}

// diagnostics are milliseconds and percent; null where nothing was answered, or for the loss where nothing was sent.
type diagnostics struct {
	Min        *float64   `json:"min"`
	Avg        *float64   `json:"avg"`
	Max        *float64   `json:"max"`
	PacketLoss *float64   `json:"packetLoss"`
	Stddev     *float64   `json:"stddev"`
	Jitter     *float64   `json:"jitter"`
	Sent       int        `json:"sent"`
	Received   int        `json:"received"`
	Duplicates int        `json:"duplicates"`
	RTTs       []*float64 `json:"rtts"` // in the order sent; null = lost or late
}

func newCheckItem(r models.Result, l models.Location) checkItem {
	item := checkItem{
		ID: models.CheckID(r.Monitor, r.Slot, r.Location), Status: r.Outcome, CheckedAt: isoTime{r.StartedAt()},
		LocationID: l.ID, LocationName: l.Name, LocationCode: l.Code,
		Diagnostics: diagnostics{Sent: r.Sent, Received: r.Received, Duplicates: r.Duplicates, RTTs: make([]*float64, len(r.Packets))},
	}
	source := ""
	if r.CauseSource.IsValid() {
		source = r.CauseSource.String()
	}
	switch {
	case r.Outcome == models.OutcomeFailure && r.Received > 0: // it reached a limit
		item.ErrorMessage = nonEmpty(limitMessage(r, source))
	case r.Outcome == models.OutcomeFailure || r.Outcome == models.OutcomeUnknown:
		item.ErrorMessage = nonEmpty(views.CauseText(r.Cause, source, r.CauseMTU, r.Sent))
	case r.Received < r.Sent || r.Outcome == models.OutcomeWarning:
		item.WarningMessage = nonEmpty(limitMessage(r, source))
	}
	if f, ok := r.RTTs(); ok {
		whole := int64(math.Round(float64(f.Avg) / float64(time.Millisecond)))
		item.TimingIcmp = &whole
		values := [...]float64{ms(f.Min), ms(f.Avg), ms(f.Max), ms(f.Stddev), ms(f.Jitter)}
		d := &item.Diagnostics
		d.Min, d.Avg, d.Max, d.Stddev, d.Jitter = &values[0], &values[1], &values[2], &values[3], &values[4]
	}
	if r.Sent > 0 {
		loss := math.Round(r.LossPercent()*100) / 100
		item.Diagnostics.PacketLoss = &loss
	}
	for i, p := range r.Packets {
		if p.State == models.PacketReplied {
			rtt := ms(p.RTT)
			item.Diagnostics.RTTs[i] = &rtt
		}
	}
	return item
}

// exportedCheck is a check in a file: as everywhere, and then what the CSV file has of it too. address is whom was asked, replyTtl
// is null without a reply, cause and causeSource are null where there is none.
type exportedCheck struct {
	checkItem
	State       models.State `json:"state"`
	Maintenance bool         `json:"maintenance"`
	Kind        models.Kind  `json:"kind"`
	Late        int          `json:"late"`
	ReplyTTL    *int         `json:"replyTtl"`
	Address     *string      `json:"address"`
	Cause       *string      `json:"cause"`
	CauseSource *string      `json:"causeSource"`
}

func newExportedCheck(c models.StoredCheck, l models.Location) exportedCheck {
	item := exportedCheck{checkItem: newCheckItem(c.Result, l), State: c.State, Maintenance: c.Maintenance, Kind: c.Kind, Late: c.Late, Cause: nonEmpty(string(c.Cause))}
	if c.ReplyTTL > 0 {
		item.ReplyTTL = &c.ReplyTTL
	}
	if c.Address.IsValid() {
		item.Address = nonEmpty(c.Address.String())
	}
	if c.CauseSource.IsValid() {
		item.CauseSource = nonEmpty(c.CauseSource.String())
	}
	return item
}

// limitMessage says what is not well with a check that was answered: packets that were lost, else how slow the replies were.
func limitMessage(r models.Result, source string) string {
	f, ok := r.RTTs()
	if r.Received < r.Sent || !ok {
		return lossMessage(r, source)
	}
	return fmt.Sprintf("slow: %.3f ms on average, %.3f ms at most", ms(f.Avg), ms(f.Max))
}

// lossMessage says how many packets were lost, and who refused them where somebody did. Where only some of them were refused
// it says how many: the others just got no answer.
func lossMessage(r models.Result, source string) string {
	text := fmt.Sprintf("%d of %d packets lost", r.Sent-r.Received, r.Sent)
	if r.Late > 0 {
		text += fmt.Sprintf(", %d of them answered late", r.Late)
	}
	if n := r.Refused(); n > 0 && n < r.Sent-r.Received {
		text += fmt.Sprintf(", %d of them refused", n)
	}
	if r.Cause != models.CauseTimeout && r.Cause != models.CauseNone {
		text += ": " + views.CauseText(r.Cause, source, r.CauseMTU, r.Sent)
	}
	return text
}

// page is a list with its place.
type page[T any] struct {
	Items   []T `json:"items"`
	Total   int `json:"total"`
	Page    int `json:"page"`
	PerPage int `json:"perPage"`
}

// success is the answer of what has nothing else to tell.
var success = json.RawMessage(`{"success":true}`)
