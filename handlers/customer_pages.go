package handlers

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

func (s *Server) showCustomers(c *fiber.Ctx) error {
	by := actorOf(c)
	list, err := s.Store.Customers(c.UserContext(), by)
	if err != nil {
		return err
	}
	monitors, err := s.Store.MonitorCounts(c.UserContext(), by)
	if err != nil {
		return err
	}
	may := by.May(models.MayChangeCustomers)
	p := views.CustomersPage{Page: s.page(c, "Customers", views.NavCustomers), MayCreate: may}
	for _, cu := range list {
		v := views.Customer{PublicID: cu.PublicID.String(), Name: cu.Name, Email: cu.Email, Status: string(cu.Status), Monitors: monitors[cu.ID],
			CreatedAt: cu.CreatedAt, Now: time.Now(), MayEdit: may}
		if cu.CancellationDate != nil {
			v.CancellationDate = *cu.CancellationDate
		}
		p.Customers = append(p.Customers, v)
	}
	return draw(c, http.StatusOK, views.Customers(p))
}

// customerFields turns a customer's form into the API's fields.
func customerFields(values map[string]string) models.Fields {
	var f models.Fields
	for _, key := range []string{"name", "email"} {
		if v, ok := values[key]; ok {
			f.Set(key, quote(strings.TrimSpace(v)))
		}
	}
	for _, key := range []string{"notificationEmail", "notificationPhoneNumber"} {
		if v, ok := values[key]; ok {
			f.Set(key, textOrNull(v))
		}
	}
	if v, ok := values["allowedCheckCountryCodes"]; ok {
		f.Set("allowedCheckCountryCodes", countryList(v))
	}
	return f
}

func (s *Server) drawCustomerForm(c *fiber.Ctx, status int, existing *models.Customer, values, errs map[string]string) error {
	p := views.CustomerFormPage{Page: s.page(c, "Add customer", views.NavCustomers), Values: values, Errors: errs}
	if existing != nil {
		p.Version = existing.Version()
		p.Title, p.PublicID, p.Name, p.MayCancel = "Edit "+existing.Name, existing.PublicID.String(), existing.Name, existing.Status == models.CustomerActive
	}
	return draw(c, status, views.CustomerForm(p))
}

func (s *Server) showNewCustomer(c *fiber.Ctx) error {
	return s.drawCustomerForm(c, http.StatusOK, nil, nil, nil)
}

func (s *Server) createCustomer(c *fiber.Ctx) error {
	values, err := formValues(c)
	if err != nil {
		return err
	}
	_, err = s.Store.CreateCustomer(c.UserContext(), actorOf(c), customerFields(values))
	if errs, ok := formErrors(err); ok {
		return s.drawCustomerForm(c, http.StatusUnprocessableEntity, nil, values, errs)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/customers", "customer.saved")
}

// customerOfPath finds the customer that the path names. On a page, what is no id names nothing.
func (s *Server) customerOfPath(c *fiber.Ctx) (models.Customer, error) {
	id, err := models.ParsePublicID(c.Params("id"))
	if err != nil {
		return models.Customer{}, &models.NotFound{What: "Customer"}
	}
	return s.Store.Customer(c.UserContext(), actorOf(c), models.Ref{PublicID: id})
}

func (s *Server) showCustomer(c *fiber.Ctx) error {
	cu, err := s.customerOfPath(c)
	if err != nil {
		return err
	}
	values := map[string]string{"name": cu.Name, "email": cu.Email, "allowedCheckCountryCodes": strings.Join(cu.CountryCodes, ", ")}
	if cu.NotificationEmail != nil {
		values["notificationEmail"] = *cu.NotificationEmail
	}
	if cu.NotificationPhoneNumber != nil {
		values["notificationPhoneNumber"] = *cu.NotificationPhoneNumber
	}
	return s.drawCustomerForm(c, http.StatusOK, &cu, values, nil)
}

func (s *Server) changeCustomer(c *fiber.Ctx) error {
	cu, err := s.customerOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	_, err = s.Store.ChangeCustomer(c.UserContext(), actorOf(c), models.Ref{ID: cu.ID}, customerFields(values), values["version"])
	var conflict *models.Conflict
	if errors.As(err, &conflict) {
		// What was typed stays; the form now carries the present version, so that saving once more is meant.
		if cu, err = s.customerOfPath(c); err != nil {
			return err
		}
		return s.drawCustomerForm(c, http.StatusPreconditionFailed, &cu, values, map[string]string{"": "Somebody changed this customer a moment ago. Yours is kept below; compare and save again."})
	}
	if errs, ok := formErrors(err); ok {
		return s.drawCustomerForm(c, http.StatusUnprocessableEntity, &cu, values, errs)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/customers", "customer.saved")
}

func (s *Server) showCancelCustomer(c *fiber.Ctx) error {
	cu, err := s.customerOfPath(c)
	if err != nil {
		return err
	}
	monitors, err := s.Store.MonitorCounts(c.UserContext(), actorOf(c))
	if err != nil {
		return err
	}
	return s.drawConfirm(c, views.NavCustomers, views.CancelCustomer(cu.PublicID.String(), cu.Name, monitors[cu.ID], csrfToken(c)))
}

func (s *Server) cancelCustomer(c *fiber.Ctx) error {
	cu, err := s.customerOfPath(c)
	if err != nil {
		return err
	}
	if _, err := formValues(c); err != nil {
		return err
	}
	if _, err := s.Store.CancelCustomer(c.UserContext(), actorOf(c), models.Ref{ID: cu.ID}); err != nil {
		return err
	}
	return s.redirect(c, "/customers", "customer.cancelled")
}
