package handlers

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"echolot/models"
	"echolot/models/modelstest"
)

// wantQuiet checks that an answer is no fault of ours and tells nothing of what is inside.
func (h *house) wantQuiet(what string, a answer) {
	h.t.Helper()
	if a.status >= 500 {
		h.t.Errorf("%s: got %d %s; log: %s", what, a.status, a.body, h.log.all())
	}
	for _, leak := range []string{"SQLSTATE", "SQL logic", "syntax error", "no such", "goroutine", "bun:", "pgdriver", "sqlite", "constraint", "near \""} {
		if a.status >= 400 && strings.Contains(a.body, leak) {
			h.t.Errorf("%s: got %s, want no word of the database's", what, a.body)
		}
	}
}

// jsonText is the text as a JSON string.
func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// TestTargetLiterals is the API's half of T62: what may be typed as a host, and what is refused as what.
func TestTargetLiterals(t *testing.T) {
	const never = `0.0.0.0 0.1.2.3 0.255.255.255 169.254.0.1 169.254.169.254 169.254.169.254. 169.254.255.255 224.0.0.1 224.0.0.251 239.255.255.250 240.0.0.1 255.255.255.255
		:: ::2 ::7f00:1 ::127.0.0.1 ::8.8.8.8 fe80::1 FE80::1 febf::1 fec0::1 ff02::1 ff02::fb ff0e::1 fd00:ec2::254
		::ffff:0.0.0.0 ::ffff:169.254.169.254 ::FFFF:a9fe:a9fe ::ffff:224.0.0.1 ::ffff:255.255.255.255 0:0:0:0:0:ffff:a9fe:a9fe
		64:ff9b::169.254.169.254 64:ff9b::a9fe:a9fe 64:ff9b:1::224.0.0.1 2002:a9fe:a9fe::1 2002:e000:1::1 2001:0:1:2:3:4:5601:5601
		192.0.2.1 198.51.100.7 203.0.113.9 198.18.0.1 192.0.0.1 2001:db8::1 100::1 3fff::1 ::ffff:192.0.2.1`
	const inside = `127.0.0.1 127.255.255.254 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 ::1 0:0:0:0:0:0:0:1 fc00::1 fd12:3456::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::10.0.0.1 2002:a00:1::1 127.0.0.1.`
	const public = `1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.1 126.0.0.1 128.0.0.1 169.253.0.1 172.15.0.1 172.32.0.1 192.167.0.1 223.255.255.255 2606:4700:4700::1111 2A00:1450::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8`
	const names = `claas.sh a localhost _x.example gw-1.example xn--bcher-kva.example bücher.example 例え.テスト раураӏ.com 127.example 0xg metadata.google.internal 169.254.169.254.nip.example`
	malformed := []string{"127.1", "127.0.1", "0x7f000001", "0x7f.0.0.1", "0X7F.1", "2130706433", "0177.0.0.1", "127.0.0.01", "1.2.3", "1.2.3.4.5", "256.1.1.1", "a.0x1", "１２７.1", "127。1",
		"fe80::1%eth0", "::1%lo", "fe80::1%25eth0", "[::1]", "[::1]:80", "127.0.0.1:80", "claas.sh:80", "https://claas.sh", "http://127.0.0.1/", "//claas.sh", "claas.sh/ping", "/ping", "claas.sh?x", "claas.sh#x", `claas.sh\ping`, "user@claas.sh", "user:pw@127.0.0.1",
		"", " ", ".", "..", "a..b", ".a", "a..", " claas.sh", "claas.sh ", "cla as.sh", "claas.sh\n", "claas.sh\r\nX: y", "claas.sh\t", "\u00a0a", "a\u200e", "a\u202eb.example", "a\u2028b", "a\u0085b", "a\u007fb",
		"-oProxy", "-oProxyCommand=id", "-f", "--flood", "a-", "-a.example", "$(reboot)", "`id`", "a;reboot", "a|b", "a&b", "a'b", `a"b`, "a%20b", "%00", "a*", "*", "a,b", "<script>", "../../etc/passwd", "file:///etc/passwd", "javascript:1",
		strings.Repeat("a", 64), strings.Repeat("a", 254), strings.Repeat("a", 300), strings.Repeat("a.", 127) + "a", strings.Repeat("ü", 64), strings.Repeat("ü.", 100) + "a", "xn--a", "xn--0", "℀.example", "a／b"}
	if n := len(strings.Fields(never+inside+public+names)) + len(malformed); n < 170 {
		t.Errorf("the table has %d hosts, want 170 or more", n)
	}
	for _, policy := range []models.TargetPolicy{{}, {Public: true}, {Public: true, Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}} {
		h := newHouse(t, modelstest.Open(t, modelstest.SQLite(t)))
		// The house's own monitors are at 127.0.0.1, so the policy comes with a second store on the same file.
		h.s.Store = modelstest.Open(t, modelstest.URL(t, h.store), func(o *models.Options) { o.Policy = policy })
		admin := h.token("admin@example.com")
		one := monitorsPath + "/" + h.monitor.PublicID.String()
		try := func(host string, status int, code string) {
			h.t.Helper()
			for _, a := range []answer{h.api(admin, "POST", monitorsPath, monitorBody(`"hostname":`+jsonText(host))), h.api(admin, "PATCH", one, `{"hostname":`+jsonText(host)+`}`)} {
				var r refusal
				a.decode(h.t, &r)
				if status == 400 {
					if text := r.Data.Fields["hostname"]; a.status != 400 || r.Data.Code != code || text == "" || len(r.Data.Fields) != 1 || code == "" && r.Message != "Invalid hostname" {
						h.t.Errorf("policy %+v, %q: got %d %s, want 400 for hostname with code %q", policy, host, a.status, a.body, code)
					}
				} else if a.status != 201 && a.status != 200 {
					h.t.Errorf("policy %+v, %q: got %d %s, want it accepted", policy, host, a.status, a.body)
				}
			}
		}
		for _, host := range strings.Fields(never) {
			try(host, 400, "targetNotAllowed")
		}
		for _, host := range strings.Fields(inside) {
			a, err := netip.ParseAddr(strings.TrimSuffix(host, "."))
			if err != nil {
				t.Fatal(err)
			}
			if policy.Check(a) != nil {
				try(host, 400, "targetNotAllowed")
			} else {
				try(host, 201, "")
			}
			if wanted := !policy.Public || policy.Allow != nil && strings.Contains(host, "10."); wanted && policy.Check(a) != nil {
				t.Errorf("policy %+v refuses %s", policy, host)
			}
		}
		for _, host := range strings.Fields(public + " " + names) {
			try(host, 201, "")
		}
		if policy.Public { // what is no host is none under any policy
			continue
		}
		for _, host := range malformed {
			try(host, 400, "")
		}
		if a := h.api(admin, "POST", monitorsPath, monitorBody("\"hostname\":\"claas.sh\\u0000\"")); a.status != 400 {
			t.Errorf("NUL: got %d, want 400", a.status)
		}
	}
}

// nasty are texts that break out of statements, patterns and placeholders where somebody forgot to bind them.
var nasty = []string{"'", "''", `"`, "`", `\`, `\'`, `\\`, "%", "_", "-?", "-1?", "?", "??", "?0", "?1", "$1", "$$", ":x", "@x", "#", "--", "/*", "*/", ";", "';DROP TABLE monitors;--", "' OR '1'='1", `" OR ""="`, "1;SELECT pg_sleep(9)", "') OR 1=1 --",
	"%' ESCAPE '!", `E'\x27'`, "\u02bc", "\uff07", "{}", "[]", "null", "<script>alert(1)</script>", "${jndi:ldap://x}", "{{.}}", "\u202e", "\U0001f600", "İ", "ß", "ſ", "\u0301", "\ufffd", "-- ?", "?::text", "'?'"}

// TestInjection is T66: what looks like SQL is text. Searches find what holds it literally, and nothing else.
func TestInjection(t *testing.T) {
	houses(t, func(h *house) {
		admin, session := h.token("admin@example.com"), h.session("admin@example.com")
		for _, s := range nasty {
			q := jsonText(s)
			name := jsonText("n " + s + " n") // some of them are no name alone
			a := h.api(admin, "POST", monitorsPath, monitorBody(`"name":`+name+`,"icmpConfig":{`+jsonText("x"+s)+`:`+q+`}`))
			h.wantQuiet("monitor "+s, a)
			var m struct {
				Name, PublicID string
				Config         map[string]any
			}
			a.decode(h.t, &m)
			if a.status != 201 || m.Name != "n "+s+" n" || m.Config["x"+s] != s {
				h.t.Errorf("monitor %q: got %d %s, want it stored as it is", s, a.status, a.body)
			}
			h.api(admin, "GET", monitorsPath+"/"+m.PublicID, "").decode(h.t, &m)
			if m.Name != "n "+s+" n" || m.Config["x"+s] != s {
				h.t.Errorf("monitor %q: read back as %q with %v", s, m.Name, m.Config)
			}
			a = h.api(admin, "POST", "/api/customers", `{"name":`+jsonText("c "+s+" c")+`,"email":"o'brien+?0@example.com","customFields":{`+jsonText("x"+s)+`:`+q+`}}`)
			if h.wantQuiet("customer "+s, a); a.status != 201 {
				h.t.Errorf("customer %q: got %d %s", s, a.status, a.body)
			}
			a = h.api(session, "POST", "/api/organization/tokens", `{"name":`+name+`}`)
			if h.wantQuiet("token "+s, a); a.status != 201 {
				h.t.Errorf("token %q: got %d %s", s, a.status, a.body)
			}
		}
		for _, s := range nasty {
			want := []string{}
			for _, other := range nasty {
				if strings.Contains(fold("n "+other+" n"), fold(s)) {
					want = append(want, "n "+other+" n")
				}
			}
			got := h.names(admin, "customerId=1&sort=created&perPage=200&search="+url.QueryEscape(s))
			// The customer's own name and the host are searched too; none of them holds any of these.
			if !slices.Equal(got, want) {
				h.t.Errorf("search %q: got %q, want %q", s, got, want)
			}
		}
		before := modelstest.Digest(h.t, h.store, "login_attempts", "audit_entries", "sessions")
		for _, s := range append(slices.Clone(nasty), "name;", "name DESC", "created,(SELECT 1)", "1", "id", "m.id", "public_id", "name--") {
			e := url.QueryEscape(s)
			for _, parameter := range []string{"sort", "status", "state", "customerId", "organizationId", "page", "perPage"} {
				if parameter == "page" || parameter == "perPage" || parameter == "customerId" || parameter == "organizationId" {
					if s == "1" {
						continue
					}
				}
				a := h.api(admin, "GET", monitorsPath+"?"+parameter+"="+e, "")
				h.wantRefused(parameter+"="+s, a, "", parameter)
				h.wantQuiet(parameter+"="+s, a)
			}
			one := monitorsPath + "/" + h.monitor.PublicID.String()
			h.wantQuiet("before="+s, h.api(admin, "GET", one+"/check-history?before="+e, ""))
			h.wantQuiet("limit="+s, h.api(admin, "GET", one+"/check-history?limit="+e, ""))
			if s != "1" {
				p := url.PathEscape(s)
				h.wantQuiet("path "+s, h.api(admin, "GET", monitorsPath+"/"+p, ""))
				h.wantQuiet("path "+s, h.api(admin, "DELETE", monitorsPath+"/"+p, ""))
				h.wantQuiet("customer path "+s, h.api(admin, "GET", "/api/customers/"+p, ""))
				h.wantQuiet("token path "+s, h.api(session, "DELETE", "/api/organization/tokens/"+p, ""))
			}
			q := jsonText(s)
			h.wantQuiet("fields "+s, h.api(admin, "PATCH", one, `{"hostname":`+q+`,"status":`+q+`,"notificationEmail":`+q+`,"notificationPhoneNumber":`+q+`,"allowedCheckCountryCodes":[`+q+`],"icmpConfig":{"ipFamily":`+q+`,"quorum":`+q+`}}`))
			h.wantQuiet("If-Match "+s, h.request("PATCH", one, `{}`, "Authorization", "Bearer "+admin, "Content-Type", "application/json", "If-Match", `"x`+url.QueryEscape(s)+`"`))
			h.wantQuiet("credential "+s, h.api("wsm_"+e, "GET", monitorsPath, ""))
		}
		for _, s := range []string{"'", "-?", `\`, "?0", "' OR '1'='1"} { // few, because the address is slowed down after twenty
			a := h.api("", "POST", "/api/auth/login", `{"email":`+jsonText(s+"admin@example.com")+`,"password":`+jsonText(s)+`}`)
			if h.wantQuiet("login "+s, a); a.status != 401 {
				h.t.Errorf("login %q: got %d, want 401", s, a.status)
			}
		}
		if after := modelstest.Digest(h.t, h.store, "login_attempts", "audit_entries", "sessions"); after != before {
			h.t.Error("what was refused changed rows")
		}
		for _, body := range []string{"{\"name\":\"a\\u0000b\"}", "{\"icmpConfig\":{\"a\\u0000\":1}}", "{\"icmpConfig\":{\"a\":[\"\\u0000\"]}}"} {
			h.wantRefused(body, h.api(admin, "PATCH", monitorsPath+"/"+h.monitor.PublicID.String(), body), "", "body")
		}
	})
}

// fold is as much of Unicode's case folding as the table of nasty texts needs; the product uses another implementation.
func fold(s string) string {
	s = strings.NewReplacer("ß", "ss", "ſ", "s", "İ", "i̇").Replace(s)
	return strings.ToLower(s)
}

// TestBrokenBodies sends what is no body to every route that takes one.
func TestBrokenBodies(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := fmt.Fprint(w, monitorBody("")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	bodies := []string{`[]`, `[{"name":"x"}]`, `null`, `"x"`, `5`, `true`, `{`, `{"name":"x"`, `{"name":"x",}`, `{"name":"x"}}`, `{} {}`, `{"name":"a","name":"b"}`, `{"name":"a","\u006eame":"b"}`, `{"icmpConfig":{"count":1,"count":2}}`,
		strings.Repeat("[", 5000), strings.Repeat(`{"name":`, 5000), `{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, `{"icmpConfig":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat("}", 5001),
		"{\"name\":\"\xff\"}", "{\"\xff\":1}", `{"name":"\ud800"}`, `{"name":"a\u0000"}`, "\ufeff{}", zipped.String(), "\x00", "name=x&hostname=y", "<xml/>", `{"name":NaN}`, `{"name":01}`, "{'name':1}", "   "}
	houses(t, func(h *house) {
		admin, session := h.token("admin@example.com"), h.session("admin@example.com")
		one := monitorsPath + "/" + h.monitor.PublicID.String()
		routes := [][2]string{{"POST", monitorsPath}, {"PATCH", one}, {"POST", one + "/trigger-check"}, {"POST", "/api/customers"}, {"PATCH", "/api/customers/1"}, {"POST", "/api/customers/1/cancel"}, {"POST", "/api/organization/tokens"}, {"POST", "/api/auth/login"}}
		h.api(admin, "GET", monitorsPath, "") // a token's first use is noted
		before := modelstest.Digest(h.t, h.store, "sessions")
		for _, r := range routes {
			credential := admin
			if strings.HasPrefix(r[1], "/api/organization") {
				credential = session
			}
			for _, body := range bodies {
				a := h.api(credential, r[0], r[1], body)
				what := fmt.Sprintf("%s %s %.40q", r[0], r[1], body)
				h.wantRefused(what, a, "", "body")
				if !strings.Contains(a.body, `"message":"Invalid request body`) {
					h.t.Errorf("%s: got %s, want Invalid request body", what, a.body)
				}
			}
			for _, header := range [][]string{{"Content-Type", "text/plain"}, {"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Type", "multipart/form-data; boundary=x"}, {"Content-Type", "application/jsonp"}, {"Content-Type", ""}, {"Content-Type", "application/json", "Content-Encoding", "gzip"}, {"Content-Type", "application/json", "Content-Encoding", "br"}} {
				a := h.request(r[0], r[1], zipped.String(), append([]string{"Authorization", "Bearer " + credential}, header...)...)
				if a.status != 415 {
					h.t.Errorf("%s %s with %v: got %d %s, want 415", r[0], r[1], header, a.status, a.body)
				}
			}
			for _, size := range []int{maxBody + 1, maxRead} {
				if a := h.api(credential, r[0], r[1], `{"x":"`+strings.Repeat("x", size-8)+`"}`); a.status != 413 {
					h.t.Errorf("%s %s with %d bytes: got %d, want 413", r[0], r[1], size, a.status)
				}
			}
		}
		if after := modelstest.Digest(h.t, h.store, "sessions"); after != before {
			h.t.Error("a refused body changed rows")
		}
		// The largest body there may be, and a type with parameters.
		body := monitorBody(`"x":""`)
		body = strings.Replace(body, `"x":""`, `"x":"`+strings.Repeat("x", maxBody-len(body))+`"`, 1)
		if a := h.request("POST", monitorsPath, body, "Authorization", "Bearer "+admin, "Content-Type", "application/json; charset=utf-8"); a.status != 201 || len(body) != maxBody {
			h.t.Errorf("a body of %d bytes: got %d %s, want 201", len(body), a.status, a.body)
		}
	})
}

// TestMassAssignment is T74: what a body may not set it does not set.
func TestMassAssignment(t *testing.T) {
	const extra = `"id":99,"publicId":"00000000-0000-0000-0000-000000000001","organizationId":2,"organization_id":2,"OrganizationID":2,"rev":77,"Rev":77,"version":77,"createdAt":"2000-01-01T00:00:00.000Z","updatedAt":"2000-01-01T00:00:00.000Z","lastCheckedAt":"2000-01-01T00:00:00.000Z","state":"up","search":"x","customerName":"x","role":"admin","CustomerId":3,"HostnameTyped":"evil","hostname_typed":"evil","warnings":[],"data":{}`
	houses(t, func(h *house) {
		admin, limited := h.token("admin@example.com"), h.token(h.limited)
		check := func(what string, a answer, status int, version int64) {
			h.t.Helper()
			if a.status != status {
				h.t.Fatalf("%s: got %d %s, want %d", what, a.status, a.body, status)
			}
			for _, planted := range []string{`"id":99`, "00000000-0000", `"organizationId":2`, "2000-01-01", `"state":"up"`, "evil", `"customerId":3`, "warnings"} {
				if strings.Contains(a.body, planted) {
					h.t.Errorf("%s: got %s, want nothing of %s", what, a.body, planted)
				}
			}
			var shown struct{ PublicID string }
			a.decode(h.t, &shown)
			id, err := models.ParsePublicID(shown.PublicID)
			if err != nil {
				h.t.Fatal(err)
			}
			m, err := h.store.Monitor(h.t.Context(), h.organization, id)
			if err != nil || m.Rev != 1 || m.Version != version || m.OrganizationID != 1 || m.State.State != models.StatePending || m.CustomerID != 1 {
				h.t.Errorf("%s: got rev %d, version %d, organization %d, state %s, customer %d, error %v", what, m.Rev, m.Version, m.OrganizationID, m.State.State, m.CustomerID, err)
			}
		}
		a := h.api(admin, "POST", monitorsPath, monitorBody(extra))
		check("POST", a, 201, 1)
		check("PATCH", h.api(admin, "PATCH", a.header.Get("Location"), "{"+extra+"}"), 200, 2)
		check("POST, limited", h.api(limited, "POST", monitorsPath, monitorBody(extra)), 201, 1)
		// What is inside of config is the sender's own, and only stored.
		h.wantValues("config", h.api(admin, "POST", monitorsPath, monitorBody(`"config":{"internal":true,"rev":9}`)), 201, `{"config":{"packetSize":56,"count":3,"internal":true,"rev":9}}`)
		// organizationId in a body is ignored for global roles too; the query names it.
		global := h.token("global_admin@example.com")
		h.wantRefused("global, in the body", h.api(global, "POST", monitorsPath, monitorBody(`"organizationId":1`)), "organizationId is required", "organizationId")
		h.wantValues("global, in the query", h.api(global, "POST", monitorsPath+"?organizationId=2", monitorBody(`"organizationId":1,"customerId":2`)), 201, `{"organizationId":2}`)
		var token struct {
			ID    int64
			Token string
		}
		h.api(h.session("admin@example.com"), "POST", "/api/organization/tokens", `{"name":"x","id":99,"organizationId":2,"userId":6,"token":"wsm_mine","tokenHash":"x","createdAt":"2000-01-01T00:00:00.000Z"}`).decode(h.t, &token)
		var me struct{ Organization struct{ ID int64 } }
		h.api(token.Token, "GET", "/api/auth/me", "").decode(h.t, &me)
		if token.ID == 99 || token.Token == "wsm_mine" || me.Organization.ID != 1 {
			h.t.Errorf("got token %+v of organization %d, want one of our own making in 1", token, me.Organization.ID)
		}
	})
}
