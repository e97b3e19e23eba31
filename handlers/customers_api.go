package handlers

import (
	"encoding/json"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// listedCustomer is an item of the list.
type listedCustomer struct {
	ID                 int64                 `json:"id"`
	OrganizationID     int64                 `json:"organizationId"`
	Name               string                `json:"name"`
	Email              string                `json:"email"`
	PackageID          *int64                `json:"packageId"`
	PackageDisplayName *string               `json:"packageDisplayName"`
	Status             models.CustomerStatus `json:"status"`
	CancellationDate   isoTime               `json:"cancellationDate"`
	NotificationEmail  *string               `json:"notificationEmail"`
	CreatedAt          isoTime               `json:"createdAt"`
	PublicID           uuid.UUID             `json:"publicId"`
}

// shownCustomer answers GET of one and PATCH.
type shownCustomer struct {
	ID                      int64                 `json:"id"`
	PublicID                uuid.UUID             `json:"publicId"`
	OrganizationID          int64                 `json:"organizationId"`
	Name                    string                `json:"name"`
	Email                   string                `json:"email"`
	NotificationPhoneNumber *string               `json:"notificationPhoneNumber"`
	NotificationEmail       *string               `json:"notificationEmail"`
	PackageID               *int64                `json:"packageId"`
	PackageDisplayName      *string               `json:"packageDisplayName"`
	Status                  models.CustomerStatus `json:"status"`
	CustomFields            json.RawMessage       `json:"customFields"`
	MonthlyReportsEnabled   bool                  `json:"monthlyReportsEnabled"`
	NotificationChannels    json.RawMessage       `json:"notificationChannels"`
	NotificationTargets     json.RawMessage       `json:"notificationTargets"`
	NotificationRules       json.RawMessage       `json:"notificationRules"`
	SMSUsageCurrentMonth    int                   `json:"smsUsageCurrentMonth"`
	UpdatedAt               isoTime               `json:"updatedAt"`
	CreatedAt               isoTime               `json:"createdAt"`
}

// savedCustomer is inside the answer to POST and cancel.
type savedCustomer struct {
	ID                       int64                 `json:"id"`
	PublicID                 uuid.UUID             `json:"publicId"`
	OrganizationID           int64                 `json:"organizationId"`
	Name                     string                `json:"name"`
	Email                    string                `json:"email"`
	NotificationPhoneNumber  *string               `json:"notificationPhoneNumber"`
	NotificationEmail        *string               `json:"notificationEmail"`
	PackageID                *int64                `json:"packageId"`
	PackageType              *string               `json:"packageType"`
	Status                   models.CustomerStatus `json:"status"`
	AllowedCheckCountryCodes []string              `json:"allowedCheckCountryCodes"`
	CancellationDate         isoTime               `json:"cancellationDate"`
	CancelledAt              isoTime               `json:"cancelledAt"`
	CustomFields             json.RawMessage       `json:"customFields"`
	MonthlyReportsEnabled    bool                  `json:"monthlyReportsEnabled"`
	NotificationChannels     json.RawMessage       `json:"notificationChannels"`
	NotificationTargets      json.RawMessage       `json:"notificationTargets"`
	NotificationRules        json.RawMessage       `json:"notificationRules"`
	SMSUsageCurrentMonth     int                   `json:"smsUsageCurrentMonth"`
	CreatedAt                isoTime               `json:"createdAt"`
	UpdatedAt                isoTime               `json:"updatedAt"`
}

// customerAnswer is the answer to POST and cancel.
type customerAnswer struct {
	Success  bool          `json:"success"`
	Customer savedCustomer `json:"customer"`
}

func newShownCustomer(c models.Customer) shownCustomer {
	return shownCustomer{
		ID: c.ID, PublicID: c.PublicID, OrganizationID: c.OrganizationID, Name: c.Name, Email: c.Email, NotificationPhoneNumber: c.NotificationPhoneNumber,
		NotificationEmail: c.NotificationEmail, Status: c.Status, CustomFields: json.RawMessage(c.CustomFields), MonthlyReportsEnabled: c.MonthlyReportsEnabled,
		UpdatedAt: isoTime{c.UpdatedAt}, CreatedAt: isoTime{c.CreatedAt},
	}
}

func newCustomerAnswer(c models.Customer) customerAnswer {
	return customerAnswer{Success: true, Customer: savedCustomer{
		ID: c.ID, PublicID: c.PublicID, OrganizationID: c.OrganizationID, Name: c.Name, Email: c.Email, NotificationPhoneNumber: c.NotificationPhoneNumber,
		NotificationEmail: c.NotificationEmail, Status: c.Status, AllowedCheckCountryCodes: c.CountryCodes, CancellationDate: isoPtr(c.CancellationDate),
		CancelledAt: isoPtr(c.CancelledAt), CustomFields: json.RawMessage(c.CustomFields), MonthlyReportsEnabled: c.MonthlyReportsEnabled,
		CreatedAt: isoTime{c.CreatedAt}, UpdatedAt: isoTime{c.UpdatedAt},
	}}
}

// customerRef reads the identifier in the path: the internal number or the public id.
func customerRef(c *fiber.Ctx) (models.Ref, error) {
	ref, err := models.ParseRef(c.Params("id"))
	if err != nil {
		return ref, badField("id", "Invalid Customer identifier")
	}
	return ref, nil
}

func (s *Server) listCustomersAPI(c *fiber.Ctx) error {
	list, err := s.Store.Customers(c.UserContext(), actorOf(c))
	if err != nil {
		return err
	}
	items := make([]listedCustomer, len(list))
	for i, cu := range list {
		items[i] = listedCustomer{ID: cu.ID, OrganizationID: cu.OrganizationID, Name: cu.Name, Email: cu.Email, Status: cu.Status,
			CancellationDate: isoPtr(cu.CancellationDate), NotificationEmail: cu.NotificationEmail, CreatedAt: isoTime{cu.CreatedAt}, PublicID: cu.PublicID}
	}
	return sendJSON(c, fiber.StatusOK, items)
}

func (s *Server) showCustomerAPI(c *fiber.Ctx) error {
	ref, err := customerRef(c)
	if err != nil {
		return err
	}
	customer, err := s.Store.Customer(c.UserContext(), actorOf(c), ref)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, newShownCustomer(customer))
}

func (s *Server) createCustomerAPI(c *fiber.Ctx) error {
	fields, err := jsonFields(c)
	if err != nil {
		return err
	}
	customer, err := s.Store.CreateCustomer(c.UserContext(), actorOf(c), fields)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/api/customers/"+customer.PublicID.String())
	return sendJSON(c, fiber.StatusCreated, newCustomerAnswer(customer))
}

func (s *Server) changeCustomerAPI(c *fiber.Ctx) error {
	fields, err := jsonFields(c)
	if err != nil {
		return err
	}
	ref, err := customerRef(c)
	if err != nil {
		return err
	}
	customer, err := s.Store.ChangeCustomer(c.UserContext(), actorOf(c), ref, fields, "")
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, newShownCustomer(customer))
}

func (s *Server) cancelCustomerAPI(c *fiber.Ctx) error {
	if _, err := jsonFields(c); err != nil {
		return err
	}
	ref, err := customerRef(c)
	if err != nil {
		return err
	}
	customer, err := s.Store.CancelCustomer(c.UserContext(), actorOf(c), ref)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, newCustomerAnswer(customer))
}
