package handlers

import (
	"echolot/models"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// listedStatusPage is an item of the list.
type listedStatusPage struct {
	ID                   int64             `json:"id"`
	OrganizationID       int64             `json:"organizationId"`
	CustomerID           int64             `json:"customerId"`
	Name                 string            `json:"name"`
	Slug                 string            `json:"slug"`
	Description          *string           `json:"description"`
	Visibility           models.Visibility `json:"visibility"`
	IsPublished          bool              `json:"isPublished"`
	CustomDomainHostname *string           `json:"customDomainHostname"`
	CreatedAt            isoTime           `json:"createdAt"`
	UpdatedAt            isoTime           `json:"updatedAt"`

	PublicID         uuid.UUID            `json:"publicId"`
	CustomerPublicID uuid.UUID            `json:"customerPublicId"`
	URL              string               `json:"url"`
	DomainVerifiedAt isoTime              `json:"domainVerifiedAt"`
	HasPassword      bool                 `json:"hasPassword"`
	HasLogo          bool                 `json:"hasLogo"`
	Language         string               `json:"language"`
	TimeZone         string               `json:"timeZone"`
	FooterText       *string              `json:"footerText"`
	Accent           *string              `json:"accent"`
	ShowHostnames    bool                 `json:"showHostnames"`
	AllMonitors      bool                 `json:"allMonitors"`
	Latency          models.StatusLatency `json:"latency"`
	NoIndex          bool                 `json:"noIndex"`
	FrameSites       []string             `json:"frameSites"`
	Publish          models.StatusPublish `json:"publish"`
}

// shownStatusPage answers GET of one, POST and PATCH. LinkURL and DomainRecord are null to who may not change the page.
type shownStatusPage struct {
	listedStatusPage
	LinkURL *string `json:"linkUrl"`
	// DomainRecord is what proves the domain: a TXT record with its name and value.
	DomainRecord *domainRecord   `json:"domainRecord"`
	Monitors     []placeOnStatus `json:"monitors"`
}

type domainRecord struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// placeOnStatus is a monitor's place on the page.
type placeOnStatus struct {
	MonitorID   uuid.UUID `json:"monitorId"`
	GroupName   *string   `json:"groupName"`
	DisplayName *string   `json:"displayName"`
	Hidden      bool      `json:"hidden"`
}

// textOrNone is the text, or nil for an empty one, which is null in JSON.
func textOrNone(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *Server) newListedStatusPage(p models.StatusPage) listedStatusPage {
	sites := []string(p.FrameSites)
	if sites == nil {
		sites = []string{}
	}
	return listedStatusPage{ID: p.ID, OrganizationID: p.OrganizationID, CustomerID: p.CustomerID, Name: p.Name, Slug: p.Slug, Description: textOrNone(p.Description),
		Visibility: p.Visibility, IsPublished: p.IsPublished, CustomDomainHostname: textOrNone(p.CustomDomain), CreatedAt: isoTime{p.CreatedAt},
		UpdatedAt: isoTime{p.UpdatedAt}, PublicID: p.PublicID, CustomerPublicID: p.CustomerPublicID, URL: s.statusHome(p), DomainVerifiedAt: isoTime{p.DomainVerifiedAt},
		HasPassword: p.HasPassword(), HasLogo: p.LogoType != "", Language: p.Language, TimeZone: p.TimeZone, FooterText: textOrNone(p.FooterText),
		Accent: textOrNone(p.Accent), ShowHostnames: p.ShowHostnames, AllMonitors: p.AllMonitors, Latency: p.Latency, NoIndex: p.NoIndex, FrameSites: sites,
		Publish: p.Publish}
}

// sendStatusPage answers with the page and its layout.
func (s *Server) sendStatusPage(c *fiber.Ctx, status int, p models.StatusPage) error {
	by := actorOf(c)
	places, err := s.Store.StatusPlaces(c.UserContext(), by, p)
	if err != nil {
		return err
	}
	shown := shownStatusPage{listedStatusPage: s.newListedStatusPage(p), Monitors: make([]placeOnStatus, len(places))}
	if by.May(models.MayChangeMonitors) {
		shown.LinkURL = textOrNone(s.statusLinkURL(p))
		if p.CustomDomain != "" {
			shown.DomainRecord = &domainRecord{Name: models.DomainRecord(p.CustomDomain), Value: p.DomainToken}
		}
	}
	for i, m := range places {
		shown.Monitors[i] = placeOnStatus{MonitorID: m.PublicID, GroupName: textOrNone(m.GroupName), DisplayName: textOrNone(m.DisplayName), Hidden: m.Hidden}
	}
	c.Set(fiber.HeaderETag, p.ETag())
	return sendJSON(c, status, shown)
}

// statusPageID reads the public id in the path.
func statusPageID(c *fiber.Ctx) (uuid.UUID, error) {
	id, err := models.ParsePublicID(c.Params("id"))
	if err != nil {
		return uuid.Nil, badField("id", "Status page public ID (UUID) required")
	}
	return id, nil
}

// statusPagesFilter reads the list's query; every parameter that is wrong is named.
func statusPagesFilter(c *fiber.Ctx) (models.StatusPagesFilter, error) {
	e, f := &models.Invalid{}, models.StatusPagesFilter{}
	wrong := func(field, message string) {
		e.Fields = append(e.Fields, models.FieldError{Field: field, Message: message})
	}
	if v := c.Query("customerId"); v != "" {
		ref, err := models.ParseRef(v)
		if err != nil {
			wrong("customerId", "Invalid Customer identifier")
		}
		f.Customer = ref
	}
	var ok bool
	if f.Page, ok = queryInt(c, "page", 1, 1, 1<<30); !ok {
		wrong("page", "page must be a whole number from 1")
	}
	if f.PerPage, ok = queryInt(c, "perPage", defaultPerPage, 1, maxPerPage); !ok {
		wrong("perPage", "perPage must be a whole number from 1 to 200")
	}
	if len(e.Fields) > 0 {
		return f, e
	}
	return f, nil
}

func (s *Server) listStatusPagesAPI(c *fiber.Ctx) error {
	f, err := statusPagesFilter(c)
	if err != nil {
		return err
	}
	list, total, err := s.Store.StatusPages(c.UserContext(), actorOf(c), f)
	if err != nil {
		return err
	}
	items := make([]listedStatusPage, len(list))
	for i, p := range list {
		items[i] = s.newListedStatusPage(p)
	}
	return sendJSON(c, fiber.StatusOK, page[listedStatusPage]{Items: items, Total: total, Page: f.Page, PerPage: f.PerPage})
}

func (s *Server) showStatusPageAPI(c *fiber.Ctx) error {
	id, err := statusPageID(c)
	if err != nil {
		return err
	}
	p, err := s.Store.StatusPage(c.UserContext(), actorOf(c), id)
	if err != nil {
		return err
	}
	return s.sendStatusPage(c, fiber.StatusOK, p)
}

func (s *Server) createStatusPageAPI(c *fiber.Ctx) error {
	fields, err := jsonFields(c)
	if err != nil {
		return err
	}
	p, err := s.Store.CreateStatusPage(c.UserContext(), actorOf(c), fields)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/api/status-pages/"+p.PublicID.String())
	return s.sendStatusPage(c, fiber.StatusCreated, p)
}

func (s *Server) changeStatusPageAPI(c *fiber.Ctx) error {
	fields, err := jsonFields(c)
	if err != nil {
		return err
	}
	id, err := statusPageID(c)
	if err != nil {
		return err
	}
	p, err := s.Store.ChangeStatusPage(c.UserContext(), actorOf(c), id, fields, c.Get(fiber.HeaderIfMatch))
	if err != nil {
		return err
	}
	return s.sendStatusPage(c, fiber.StatusOK, p)
}

func (s *Server) renewStatusLinkAPI(c *fiber.Ctx) error {
	if _, err := jsonFields(c); err != nil {
		return err
	}
	id, err := statusPageID(c)
	if err != nil {
		return err
	}
	p, err := s.Store.RenewStatusLink(c.UserContext(), actorOf(c), id)
	if err != nil {
		return err
	}
	return s.sendStatusPage(c, fiber.StatusOK, p)
}

func (s *Server) deleteStatusPageAPI(c *fiber.Ctx) error {
	id, err := statusPageID(c)
	if err != nil {
		return err
	}
	if err := s.Store.DeleteStatusPage(c.UserContext(), actorOf(c), id); err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, success)
}
