package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"echolot/models"
	"echolot/models/modelstest"
)

// tenant is one of many organizations that ask at once.
type tenant struct {
	number         int
	by             models.Actor
	token          string
	customer       models.Customer
	monitor        models.MonitorRow
	client         *http.Client
	created, asked int
}

// name is a text that only this tenant sends, of a length that differs from its neighbours'.
func (n *tenant) name(what string, i int) string {
	return fmt.Sprintf("tenant-%d-%s-%d-%s", n.number, what, i, strings.Repeat("x", 7*n.number%50))
}

// TestNoStringOutlivesItsRequest: Fiber hands out strings that point into buffers which the next request overwrites.
// Thousands of requests of many tenants at once: whatever is answered or stored is the request's own.
func TestNoStringOutlivesItsRequest(t *testing.T) {
	const tenants, reads, writes = 16, 160, 20
	// On Postgres: what is looked for is in this process, and SQLite in it takes ten times as long under -race.
	h := newHouse(t, modelstest.Open(t, modelstest.Postgres(t)))
	all := make([]*tenant, tenants)
	for i := range all {
		all[i] = h.tenant(i)
	}
	var group sync.WaitGroup
	faults := make(chan string, tenants)
	for _, n := range all {
		group.Add(1)
		go func() {
			defer group.Done()
			defer n.client.CloseIdleConnections()
			for i := range reads {
				if err := n.read(h, i); err != nil {
					faults <- err.Error()
					return
				}
				if i%(reads/writes) == 0 {
					if err := n.write(h, i); err != nil {
						faults <- err.Error()
						return
					}
				}
			}
		}()
	}
	group.Wait()
	close(faults)
	for fault := range faults {
		t.Error(fault)
	}
	asked := 0
	for _, n := range all {
		asked += n.asked
		n.check(t, h)
	}
	if asked < 8*tenants*reads/3 {
		t.Errorf("only %d requests were made", asked)
	}
	h.checkAudit(t, all)
	t.Logf("%d requests", asked)
}

// tenant makes an organization with a token, a customer and a monitor.
func (h *house) tenant(number int) *tenant {
	h.t.Helper()
	ctx := context.Background()
	n := &tenant{number: number, client: &http.Client{Transport: &http.Transport{}}}
	email := fmt.Sprintf("tenant%d@example.com", number)
	u, err := h.store.UnscopedCreateUser(ctx, models.NewUser{Email: email, Role: models.RoleAdmin, Organization: n.name("organization", 0), Password: password})
	if err != nil {
		h.t.Fatal(err)
	}
	n.by = models.Actor{UserID: u.ID, Role: models.RoleAdmin, HomeID: u.OrganizationID, OrganizationID: u.OrganizationID}
	n.token = h.token(email)
	if n.customer, err = h.store.CreateCustomer(ctx, n.by, object(h.t, `{"name":"`+n.name("customer", 0)+`","email":"`+email+`"}`)); err != nil {
		h.t.Fatal(err)
	}
	n.monitor, err = h.store.CreateMonitor(ctx, n.by, object(h.t, `{"customerId":"`+n.customer.PublicID.String()+`","name":"`+n.name("monitor", 0)+`","hostname":"127.0.0.1"}`))
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// ask sends one request over the tenant's own connection and reads JSON into v. It returns errors: it does not run in the
// test's goroutine.
func (n *tenant) ask(h *house, method, path, body string, status int, v any) error {
	n.asked++
	req, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+n.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != status {
		return fmt.Errorf("tenant %d: %s %s: got %d %s, want %d", n.number, method, path, resp.StatusCode, b, status)
	}
	return json.Unmarshal(b, v)
}

// shown is what the tenant compares of a monitor.
type shown struct {
	OrganizationID, CustomerID int64
	PublicID, Name             string
}

func (n *tenant) read(h *house, i int) error {
	var one shown
	if err := n.ask(h, "GET", "/api/icmp-monitors/"+n.monitor.PublicID.String(), "", 200, &one); err != nil {
		return err
	}
	if want := (shown{n.by.OrganizationID, n.customer.ID, n.monitor.PublicID.String(), n.monitor.Name}); one != want {
		return fmt.Errorf("tenant %d: got %+v, want %+v", n.number, one, want)
	}
	var list struct{ Items []shown }
	if err := n.ask(h, "GET", fmt.Sprintf("/api/icmp-monitors?customerId=%s&search=%s", n.customer.PublicID, n.monitor.Name), "", 200, &list); err != nil {
		return err
	}
	if len(list.Items) != 1 || list.Items[0] != one {
		return fmt.Errorf("tenant %d: the list is %+v, want %+v alone", n.number, list.Items, one)
	}
	// An error that repeats the request's own words: what the product says of a parameter must be of this one.
	var refused struct {
		Data struct{ Fields map[string]string }
	}
	if err := n.ask(h, "GET", fmt.Sprintf("/api/customers/%d?i=%d", n.customer.ID, i), "", 200, &struct{}{}); err != nil {
		return err
	}
	key := n.name("unknown", i)
	if err := n.ask(h, "POST", "/api/icmp-monitors", `{"customerId":1.5,"name":"`+key+`","hostname":"http://x"}`, 400, &refused); err != nil {
		return err
	}
	if len(refused.Data.Fields) != 2 {
		return fmt.Errorf("tenant %d: got errors of %v, want of customerId and hostname", n.number, refused.Data.Fields)
	}
	return nil
}

// write makes a monitor with names of its own everywhere that the product keeps a text, and changes it.
func (n *tenant) write(h *house, i int) error {
	n.created++
	var saved struct {
		shown
		Hostname   string
		IcmpConfig map[string]any
		Warnings   []string
	}
	name, key := n.name("created", i), n.name("key", i)
	body := fmt.Sprintf(`{"customerId":"%s","name":"%s","hostname":"h%d-%d.example","status":"disabled","notificationEmail":"t%d@example.com","icmpConfig":{"%s":"%s"}}`,
		n.customer.PublicID, name, n.number, i, n.number, key, name)
	if err := n.ask(h, "POST", "/api/icmp-monitors", body, 201, &saved); err != nil {
		return err
	}
	if saved.Name != name || saved.OrganizationID != n.by.OrganizationID || saved.CustomerID != n.customer.ID || saved.IcmpConfig[key] != name || len(saved.Warnings) != 1 || !strings.Contains(saved.Warnings[0], key) {
		return fmt.Errorf("tenant %d: got %+v, want %q and %q", n.number, saved, name, key)
	}
	changed := n.name("changed", i)
	if err := n.ask(h, "PATCH", "/api/icmp-monitors/"+saved.PublicID, `{"name":"`+changed+`"}`, 200, &saved); err != nil {
		return err
	}
	if saved.Name != changed {
		return fmt.Errorf("tenant %d: got %q, want %q", n.number, saved.Name, changed)
	}
	return nil
}

// check looks at what was stored: every text of the tenant's monitors is the tenant's.
func (n *tenant) check(t *testing.T, h *house) {
	t.Helper()
	rows, total, err := h.store.Monitors(t.Context(), n.by, models.MonitorsFilter{Page: 1, PerPage: 200})
	if err != nil {
		t.Fatal(err)
	}
	if total != n.created+1 {
		t.Errorf("tenant %d: got %d monitors, want %d", n.number, total, n.created+1)
	}
	mine := fmt.Sprintf("tenant-%d-", n.number)
	for _, m := range rows {
		config, err := json.Marshal(m.Config)
		if err != nil {
			t.Fatal(err)
		}
		stored := m.Name + " " + m.CustomerName + " " + string(config)
		if m.CustomerID != n.customer.ID || strings.Count(stored, "tenant-") != strings.Count(stored, mine) || !strings.HasPrefix(m.Name, mine) {
			t.Errorf("tenant %d: it has %+v", n.number, stored)
		}
		if m.PublicID != n.monitor.PublicID && (!strings.HasPrefix(m.Hostname, fmt.Sprintf("h%d-", n.number)) || *m.NotificationEmail != fmt.Sprintf("t%d@example.com", n.number)) {
			t.Errorf("tenant %d: it has %s and %s", n.number, m.Hostname, *m.NotificationEmail)
		}
	}
}

// checkAudit looks through the trail: no line of one organization holds another one's text.
func (h *house) checkAudit(t *testing.T, all []*tenant) {
	t.Helper()
	db := modelstest.Connect(t, modelstest.URL(t, h.store))
	for _, n := range all {
		var lines, own int
		err := db.QueryRowContext(t.Context(), "SELECT count(*), sum(CASE WHEN after LIKE $1 AND address = '127.0.0.1' THEN 1 ELSE 0 END) FROM audit_entries"+
			" WHERE organization_id = $2 AND action IN ('monitor.create', 'monitor.change') AND address <> ''", fmt.Sprintf("%%tenant-%d-%%", n.number), n.by.OrganizationID).Scan(&lines, &own)
		if err != nil {
			t.Fatal(err)
		}
		if lines != 2*n.created || own != lines {
			t.Errorf("tenant %d: %d of %d lines in the audit trail are its own, want all of %d", n.number, own, lines, 2*n.created)
		}
	}
}
