package handlers

import (
	"encoding/json"
	"mime"
	"strings"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
)

// mediaType is the body's type without parameters; empty where none is said.
func mediaType(c *fiber.Ctx) string {
	t, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil {
		return strings.ToLower(c.Get(fiber.HeaderContentType))
	}
	return t
}

func isForm(c *fiber.Ctx) bool { return mediaType(c) == fiber.MIMEApplicationForm }

// jsonFields reads a JSON body. No body is an empty object: what is missing is then said field by field.
func jsonFields(c *fiber.Ctx) (models.Fields, error) {
	body := c.Request().Body() // not c.Body(), which would unpack what is compressed, however large it gets
	if len(body) == 0 {
		return models.Fields{}, nil
	}
	if mediaType(c) != fiber.MIMEApplicationJSON {
		return models.Fields{}, fiber.NewError(fiber.StatusUnsupportedMediaType, "Send the body as application/json")
	}
	if e := c.Get(fiber.HeaderContentEncoding); e != "" && e != "identity" {
		return models.Fields{}, fiber.NewError(fiber.StatusUnsupportedMediaType, "Send the body uncompressed")
	}
	return models.ParseFields(body)
}

// formValues reads a form; a field sent twice counts once, the first time.
func formValues(c *fiber.Ctx) (map[string]string, error) {
	values := map[string]string{}
	if len(c.Request().Body()) == 0 {
		return values, nil
	}
	if !isForm(c) {
		return nil, fiber.NewError(fiber.StatusUnsupportedMediaType, "Send the form as application/x-www-form-urlencoded")
	}
	for key, value := range c.Context().PostArgs().All() {
		if _, seen := values[string(key)]; !seen {
			values[string(key)] = strings.ToValidUTF8(string(value), "")
		}
	}
	return values, nil
}

// sendJSON writes a body with its length and type.
func sendJSON(c *fiber.Ctx, status int, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/json; charset=utf-8")
	return c.Status(status).Send(b)
}
