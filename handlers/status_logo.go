package handlers

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
)

// bodyLimit is the largest body that the path takes. A picture may be larger than what is stored: the form says so beside the field.
func bodyLimit(path string) int {
	switch {
	case strings.HasPrefix(path, "/status-pages/") && strings.HasSuffix(path, "/logo"):
		return maxRead
	case strings.HasPrefix(path, "/status-pages/") && strings.HasSuffix(path, "/layout"), strings.HasPrefix(path, "/api/status-pages"):
		return maxLayout
	}
	return maxBody
}

// tooLarge says what the largest body is that the path takes, to programs and on pages.
func tooLarge(path string) (message, onPage string) {
	most := fmt.Sprintf("larger than %d KiB", bodyLimit(path)>>10)
	onPage = "The request is " + most + "."
	if strings.HasSuffix(path, "/logo") {
		onPage += fmt.Sprintf(" A logo may have %d kB at most.", models.MaxStatusLogo/1000)
	}
	return "The body is " + most, onPage
}

// multipartField is a field of a multipart form (RFC 7578), at most limit bytes and one more of it; nil where it is not there. It
// reads the body that is in memory already: no file is made.
func multipartField(c *fiber.Ctx, name string, limit int64) ([]byte, error) {
	kind, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || kind != fiber.MIMEMultipartForm {
		return nil, errNoMultipart()
	}
	parts := multipart.NewReader(bytes.NewReader(c.Request().Body()), params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return nil, nil
		}
		if err != nil {
			return nil, errNoMultipart()
		}
		if part.FormName() == name {
			b, err := io.ReadAll(io.LimitReader(part, limit+1))
			if err != nil {
				return nil, errNoMultipart()
			}
			return b, nil
		}
	}
}

func errNoMultipart() error {
	return fiber.NewError(fiber.StatusUnsupportedMediaType, "Send the form as multipart/form-data")
}

func (s *Server) setStatusLogo(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	picture, err := multipartField(c, "logo", models.MaxStatusLogo)
	if err != nil {
		return err
	}
	if len(picture) == 0 {
		return s.drawStatusPageForm(c, http.StatusUnprocessableEntity, &p, nil, map[string]string{"logo": "Choose a picture"})
	}
	_, err = s.Store.SetStatusLogo(c.UserContext(), actorOf(c), p.PublicID, picture)
	if errs, ok := formErrors(err); ok {
		return s.drawStatusPageForm(c, http.StatusUnprocessableEntity, &p, nil, errs)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, statusPath(p, ""), "status_page.saved")
}

func (s *Server) deleteStatusLogo(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	if _, err := formValues(c); err != nil {
		return err
	}
	if _, err := s.Store.SetStatusLogo(c.UserContext(), actorOf(c), p.PublicID, nil); err != nil {
		return err
	}
	return s.redirect(c, statusPath(p, ""), "status_page.saved")
}
