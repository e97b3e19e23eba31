package handlers

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// maxLayout is the largest layout, as a form and as JSON: 500 monitors with names and groups of the greatest length that people write.
const maxLayout = 200 << 10

// placed is a row of the layout's form.
type placed struct {
	views.StatusPlaceRow
	row   int
	order float64 // of Position; infinite where it is empty
}

// placeRows are the monitors that the form shows: those of the page, of its customer, and what the search finds.
func (s *Server) placeRows(c *fiber.Ctx, p models.StatusPage, search string) (rows []views.StatusPlaceRow, found int, err error) {
	places, err := s.Store.StatusLayout(c.UserContext(), actorOf(c), p, search)
	if err != nil {
		return nil, 0, err
	}
	number := 0
	for _, m := range places {
		row := views.StatusPlaceRow{PublicID: m.PublicID.String(), Name: m.Name, Hostname: m.Hostname, Customer: m.CustomerName, Other: !m.Own,
			Shown: m.Shown(p.AllMonitors), Group: m.GroupName, DisplayName: m.DisplayName}
		if m.Placed {
			number++
			row.Position = strconv.Itoa(number)
		} else if !m.Own {
			found++
		}
		rows = append(rows, row)
	}
	return rows, found, nil
}

func (s *Server) drawStatusLayout(c *fiber.Ctx, status int, p models.StatusPage, l views.StatusLayoutPage) error {
	l.Page, l.Head, l.Version, l.Customer = s.page(c, "Layout of "+p.Name, views.NavStatus), s.statusHead(c, p, views.StatusNavLayout), p.ETag(), p.CustomerName
	return draw(c, status, views.StatusLayout(l))
}

func (s *Server) showStatusLayout(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	search := strings.TrimSpace(strings.ToValidUTF8(c.Query("monitors"), ""))
	l := views.StatusLayoutPage{AllMonitors: p.AllMonitors, Search: search}
	if l.Places, l.Found, err = s.placeRows(c, p, search); err != nil {
		return err
	}
	return s.drawStatusLayout(c, http.StatusOK, p, l)
}

func (s *Server) changeStatusLayout(c *fiber.Ctx) error {
	p, err := s.statusPageOfPath(c)
	if err != nil {
		return err
	}
	values, err := formValues(c)
	if err != nil {
		return err
	}
	all := p.AllMonitors
	if v, ok := values["allMonitors"]; ok {
		all = v == "true"
	}
	known, found, err := s.placeRows(c, p, values["search"])
	if err != nil {
		return err
	}
	typed := placesTyped(values, known)
	if wrong := incompleteLayout(values, typed, known); wrong != "" {
		return s.drawStatusLayout(c, http.StatusUnprocessableEntity, p, views.StatusLayoutPage{AllMonitors: p.AllMonitors, Search: values["search"],
			Found: found, Places: known, Error: wrong})
	}
	if move := values["move"]; move != "" {
		l := views.StatusLayoutPage{AllMonitors: all, Search: values["search"], Found: found, Moved: true}
		for _, m := range movePlace(typed, move) {
			l.Places = append(l.Places, m.StatusPlaceRow)
		}
		return s.drawStatusLayout(c, http.StatusOK, p, l)
	}
	sent, fields, ok := layoutFields(typed, all)
	if ok {
		_, err = s.Store.ChangeStatusPage(c.UserContext(), actorOf(c), p.PublicID, fields, values["version"])
	}
	l := views.StatusLayoutPage{AllMonitors: all, Search: values["search"], Found: found}
	status := http.StatusUnprocessableEntity
	var invalid *models.Invalid
	var conflict *models.Conflict
	switch {
	case !ok:
	case errors.As(err, &invalid):
		l.Error = markPlaces(typed, sent, invalid)
	case errors.As(err, &conflict):
		if p, err = s.statusPageOfPath(c); err != nil {
			return err
		}
		status, l.Error = http.StatusPreconditionFailed, "Somebody changed this page a moment ago. Yours is kept below; compare and save again."
	case err != nil:
		return err
	default:
		return s.redirect(c, statusPath(p, views.StatusNavLayout), "status_page.saved")
	}
	for _, m := range typed {
		l.Places = append(l.Places, m.StatusPlaceRow)
	}
	return s.drawStatusLayout(c, status, p, l)
}

// incompleteLayout says why the form can not be all that the page showed; empty where it can. What is not in the form loses its place,
// so that a form that did not arrive whole must change nothing.
func incompleteLayout(values map[string]string, typed []*placed, known []views.StatusPlaceRow) string {
	rows := 0
	for key := range values {
		if strings.HasPrefix(key, "id.") {
			rows++
		}
	}
	seen := make(map[string]bool, len(typed))
	for _, m := range typed {
		if seen[m.PublicID] {
			return "The form named a monitor twice, so nothing was saved. This is what is saved; change it and save again."
		}
		seen[m.PublicID] = true
	}
	switch {
	case values["version"] == "":
		return "The form did not say which version of the page it is of, so nothing was saved. This is what is saved; change it and save again."
	case rows != len(typed), len(typed) == 0 && len(known) > 0:
		return "The form arrived without some of its monitors, so nothing was saved. This is what is saved; change it and save again."
	}
	return ""
}

// placesTyped are the form's rows as they were typed; what they are called comes from those that are known.
func placesTyped(values map[string]string, known []views.StatusPlaceRow) []*placed {
	of := make(map[string]views.StatusPlaceRow, len(known))
	for _, m := range known {
		of[m.PublicID] = m
	}
	var rows []*placed
	for i := 0; ; i++ {
		number := "." + strconv.Itoa(i)
		id, ok := values["id"+number]
		if !ok {
			return rows
		}
		m, seen := of[id]
		if !seen {
			m = views.StatusPlaceRow{PublicID: id, Other: true}
		}
		m.Shown, m.Position = values["show"+number] == "true", strings.TrimSpace(values["position"+number])
		m.Group, m.DisplayName = strings.TrimSpace(values["group"+number]), strings.TrimSpace(values["name"+number])
		rows = append(rows, &placed{StatusPlaceRow: m, row: i})
	}
}

// layoutFields are the API's fields of the form: a place for each monitor that needs one, in order. sent is that list's rows; ok is
// false where a position is no number.
func layoutFields(rows []*placed, all bool) (sent []*placed, f models.Fields, ok bool) {
	ok = true
	for _, m := range rows {
		m.order = math.Inf(1)
		if m.Position != "" {
			n, err := strconv.ParseFloat(strings.Replace(m.Position, ",", ".", 1), 64)
			if err != nil || math.IsNaN(n) {
				m.Errors, ok = map[string]string{"position": "Type a number"}, false
			}
			m.order = n
		}
		given := m.Position != "" || m.Group != "" || m.DisplayName != ""
		byItself := all && !m.Other // it is on the page without a place
		if m.Shown && (given || !byItself) || !m.Shown && byItself {
			sent = append(sent, m)
		}
	}
	slices.SortStableFunc(sent, func(a, b *placed) int {
		switch {
		case a.order < b.order:
			return -1
		case a.order > b.order:
			return 1
		default:
			return 0
		}
	})
	places := make([]placeOnStatusInput, len(sent))
	for i, m := range sent {
		places[i] = placeOnStatusInput{MonitorID: m.PublicID, GroupName: m.Group, DisplayName: m.DisplayName, Hidden: !m.Shown}
	}
	b, _ := json.Marshal(places) // strings and flags always encode
	f.Set("monitors", b)
	f.Set("allMonitors", json.RawMessage(strconv.FormatBool(all)))
	return sent, f, ok
}

// movePlace puts the rows into their order and moves one of them by a place, as "up.3" and "down.3" say of the form's fourth row. Those
// down to its new place are numbered; what is no move moves nothing.
func movePlace(rows []*placed, move string) []*placed {
	way, number, _ := strings.Cut(move, ".")
	row, err := strconv.Atoi(number)
	layoutFields(rows, false) // reads the positions
	slices.SortStableFunc(rows, func(a, b *placed) int { return cmp.Compare(a.order, b.order) })
	from := slices.IndexFunc(rows, func(m *placed) bool { return m.row == row })
	to := from + map[string]int{"up": -1, "down": 1}[way]
	if err != nil || from < 0 || to < 0 || to >= len(rows) {
		return rows
	}
	rows[from], rows[to] = rows[to], rows[from]
	for i, m := range rows {
		if i <= to || !math.IsInf(m.order, 1) {
			m.Position, m.Errors = strconv.Itoa(i+1), nil
		}
	}
	return rows
}

// placeOnStatusInput is a place as the API takes it.
type placeOnStatusInput struct {
	MonitorID   string `json:"monitorId"`
	GroupName   string `json:"groupName"`
	DisplayName string `json:"displayName"`
	Hidden      bool   `json:"hidden"`
}

// markPlaces puts what is wrong beside the fields that it is about; what is about none is returned.
func markPlaces(rows, sent []*placed, e *models.Invalid) (rest string) {
	fields := map[string]string{"groupName": "group", "displayName": "name"}
	for _, f := range e.Fields {
		parts := strings.Split(f.Field, ".")
		if len(parts) == 3 && fields[parts[2]] != "" {
			if i, err := strconv.Atoi(parts[1]); err == nil && i < len(sent) {
				m := rows[sent[i].row]
				if m.Errors == nil {
					m.Errors = map[string]string{}
				}
				m.Errors[fields[parts[2]]] = f.Text()
				continue
			}
		}
		rest = f.Text()
	}
	return rest
}
