package handlers

import (
	"net/http"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
)

// route is one line of the table: what is asked for, who may, and who answers.
type route struct {
	method, path string
	guards       []fiber.Handler
	handle       fiber.Handler
}

// routes is every URL there is. Each line names its guard: anyone, signedIn, or may(right).
func (s *Server) routes() []route {
	const (
		get, post, patch, del = http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete
	)
	only := func(guards ...fiber.Handler) []fiber.Handler { return guards }
	anyone, signedIn := only(s.anyone), only(s.signedIn)
	read, setStatus, changeMonitors := only(s.may(models.MayRead)), only(s.may(models.MaySetStatus)), only(s.may(models.MayChangeMonitors))
	changeCustomers, manageTokens := only(s.may(models.MayChangeCustomers)), only(s.may(models.MayManageTokens))
	seeProber, handleIncidents := only(s.may(models.MaySeeProber)), only(s.may(models.MayHandleIncidents))
	changeTemplates := only(s.may(models.MayChangeStatusTemplates))

	return []route{
		{get, "/healthz", anyone, s.showHealth},
		{get, "/readyz", anyone, s.showReadiness},
		{get, "/metrics", anyone, s.showMetrics}, // 404 but for this machine and who has the metrics' token
		{get, "/static/:file", anyone, s.showAsset},
		{get, "/favicon.ico", anyone, s.showIcon},
		{get, "/robots.txt", anyone, s.showRobots},

		{post, "/api/auth/login", anyone, s.loginAPI},
		{post, "/api/auth/logout", signedIn, s.logoutAPI},
		{get, "/api/auth/me", signedIn, s.meAPI},
		{get, "/api/organizations", signedIn, s.listOrganizationsAPI},

		{post, "/api/icmp-monitors", changeMonitors, s.createMonitorAPI},
		{get, "/api/icmp-monitors", read, s.listMonitorsAPI},
		{get, "/api/icmp-monitors/:id", read, s.showMonitorAPI},
		{patch, "/api/icmp-monitors/:id", setStatus, s.changeMonitorAPI},
		{del, "/api/icmp-monitors/:id", changeMonitors, s.deleteMonitorAPI},
		{get, "/api/icmp-monitors/:id/check-history", read, s.checkHistoryAPI},
		{get, "/api/icmp-monitors/:id/details", read, s.monitorDetailsAPI},
		{get, "/api/icmp-monitors/:id/export.csv", read, s.exportMonitorAPI(true)},
		{get, "/api/icmp-monitors/:id/export.json", read, s.exportMonitorAPI(false)},
		{get, "/api/icmp-monitors/:id/incident-history", read, s.incidentHistoryAPI},
		{get, "/api/icmp-monitors/:id/alert-history", read, s.alertHistoryAPI},
		{post, "/api/icmp-monitors/:id/trigger-check", changeMonitors, s.triggerCheckAPI},
		{get, "/api/events", read, s.events(false)},

		{get, "/api/incidents", read, s.listIncidentsAPI},
		{get, "/api/incidents/:id", read, s.showIncidentAPI},
		{post, "/api/incidents/:id/acknowledge", handleIncidents, s.acknowledgeIncidentAPI},
		{post, "/api/incidents/:id/comments", handleIncidents, s.commentIncidentAPI},

		{post, "/api/status-pages/:id/verify-domain", changeMonitors, s.verifyDomainAPI},
		{get, "/api/status-pages", read, s.listStatusPagesAPI},
		{post, "/api/status-pages", changeMonitors, s.createStatusPageAPI},
		{get, "/api/status-pages/:id", read, s.showStatusPageAPI},
		{patch, "/api/status-pages/:id", changeMonitors, s.changeStatusPageAPI},
		{del, "/api/status-pages/:id", changeMonitors, s.deleteStatusPageAPI},
		{post, "/api/status-pages/:id/renew-link", changeMonitors, s.renewStatusLinkAPI},
		{get, "/api/status-pages/:id/posts", read, s.listPostsAPI},
		{post, "/api/status-pages/:id/posts", handleIncidents, s.createPostAPI},
		{get, "/api/status-pages/:id/posts/:post", read, s.showPostAPI},
		{patch, "/api/status-pages/:id/posts/:post", handleIncidents, s.changePostAPI},
		{del, "/api/status-pages/:id/posts/:post", handleIncidents, s.deletePostAPI},
		{post, "/api/status-pages/:id/posts/:post/updates", handleIncidents, s.addUpdateAPI},
		{patch, "/api/status-pages/:id/posts/:post/updates/:update", handleIncidents, s.changeUpdateAPI},
		{del, "/api/status-pages/:id/posts/:post/updates/:update", handleIncidents, s.deleteUpdateAPI},

		{get, "/api/customers", read, s.listCustomersAPI},
		{post, "/api/customers", changeCustomers, s.createCustomerAPI},
		{get, "/api/customers/:id", read, s.showCustomerAPI},
		{patch, "/api/customers/:id", changeCustomers, s.changeCustomerAPI},
		{post, "/api/customers/:id/cancel", changeCustomers, s.cancelCustomerAPI},

		{get, "/api/organization/tokens", manageTokens, s.listTokensAPI},
		{post, "/api/organization/tokens", manageTokens, s.createTokenAPI},
		{del, "/api/organization/tokens/:id", manageTokens, s.deleteTokenAPI},

		{get, "/", signedIn, s.showHome},
		{get, "/login", anyone, s.showLogin},
		{post, "/login", anyone, s.login},
		{post, "/logout", signedIn, s.logout},
		{get, "/setup/:token", anyone, s.showSetup},
		{post, "/setup/:token", anyone, s.setup},
		{post, "/organization", signedIn, s.chooseOrganization},
		{get, "/events", read, s.events(true)},

		{get, "/monitors", read, s.showMonitors},
		{post, "/monitors", changeMonitors, s.createMonitor},
		{get, "/monitors/new", changeMonitors, s.showNewMonitor},
		{get, "/monitors/:id", read, s.showMonitor},
		{get, "/monitors/:id/row", read, s.showMonitorRow},
		{get, "/monitors/:id/chart.svg", read, s.showChart},
		{get, "/monitors/:id/edit", changeMonitors, s.showEditMonitor},
		{post, "/monitors/:id/edit", changeMonitors, s.changeMonitor},
		{post, "/monitors/:id/back-test", changeMonitors, s.tryRules},
		{get, "/monitors/:id/delete", changeMonitors, s.showDeleteMonitor},
		{post, "/monitors/:id/delete", changeMonitors, s.deleteMonitor},
		{post, "/monitors/:id/pause", setStatus, s.setStatus(models.StatusDisabled)},
		{post, "/monitors/:id/resume", setStatus, s.setStatus(models.StatusActive)},
		{post, "/monitors/:id/maintenance", setStatus, s.setStatus(models.StatusMaintenance)},
		{post, "/monitors/:id/check", changeMonitors, s.checkMonitor},
		{post, "/monitors/:id/trace", changeMonitors, s.traceMonitor},
		{get, "/monitors/:id/live", read, s.showLive},
		{post, "/monitors/:id/live", changeMonitors, s.startLive},
		{get, "/monitors/:id/live/events", read, s.liveEvents},
		{post, "/monitors/:id/live/stop", changeMonitors, s.stopLive},
		{post, "/monitors/:id/live/share", changeMonitors, s.shareLive},
		{get, "/live/:token", anyone, s.showSharedLive},
		{get, "/live/:token/events", anyone, s.sharedLiveEvents},

		{get, "/status/:slug", anyone, s.showStatus},
		{get, "/status/:slug/theme.css", anyone, s.showStatusTheme},
		{get, "/status/:slug/logo", anyone, s.showStatusLogo},
		{get, "/status/:slug/history/:month", anyone, s.showStatusMonth},
		{get, "/status/:slug/badge.svg", anyone, s.elsewhere(s.showBadge)},
		{get, "/status/:slug/badge/:component.svg", anyone, s.elsewhere(s.showComponentBadge)},
		{get, "/status/:slug/feed.atom", anyone, s.elsewhere(s.showAtomFeed)},
		{get, "/status/:slug/feed.json", anyone, s.elsewhere(s.showJSONFeed)},
		{get, "/status/:slug/maintenance.ics", anyone, s.elsewhere(s.showCalendar)},
		{get, "/status/:slug/api/v2/summary.json", anyone, s.showV2(v2Summary)},
		{get, "/status/:slug/api/v2/status.json", anyone, s.showV2(v2StatusOnly)},
		{get, "/status/:slug/api/v2/components.json", anyone, s.showV2(v2Components)},
		{get, "/status/:slug/api/v2/incidents.json", anyone, s.showV2Past(v2Incidents)},
		{get, "/status/:slug/api/v2/incidents/unresolved.json", anyone, s.showV2(v2Unresolved)},
		{get, "/status/:slug/api/v2/scheduled-maintenances.json", anyone, s.showV2Past(v2Maintenances)},
		{get, "/status/:slug/api/v2/scheduled-maintenances/active.json", anyone, s.showV2(v2ActiveMaintenances)},
		{get, "/status/:slug/api/v2/scheduled-maintenances/upcoming.json", anyone, s.showV2(v2UpcomingMaintenances)},
		{get, "/status/:slug/widget.js", anyone, s.elsewhere(s.showWidgetScript)},
		{get, "/status/:slug/widget", anyone, s.elsewhere(s.showWidget)},
		{post, "/status/:slug/login", anyone, s.visitStatus},
		{get, "/status/:slug/robots.txt", anyone, s.showRobots}, // that of the page's own domain
		{get, "/status/:slug/events", anyone, s.statusEvents},

		{get, "/status-pages/:id/embed", changeMonitors, s.showEmbed},
		{get, "/status-pages", read, s.showStatusPages},
		{post, "/status-pages", changeMonitors, s.createStatusPage},
		{get, "/status-pages/new", changeMonitors, s.showNewStatusPage},
		{get, "/status-pages/:id", changeMonitors, s.showStatusPage},
		{post, "/status-pages/:id", changeMonitors, s.changeStatusPage},
		{get, "/status-pages/:id/layout", changeMonitors, s.showStatusLayout},
		{post, "/status-pages/:id/layout", changeMonitors, s.changeStatusLayout},
		{post, "/status-pages/:id/logo", changeMonitors, s.setStatusLogo},
		{post, "/status-pages/:id/logo/delete", changeMonitors, s.deleteStatusLogo},
		{get, "/status-pages/:id/link", changeMonitors, s.showRenewStatusLink},
		{post, "/status-pages/:id/link", changeMonitors, s.renewStatusLink},
		{get, "/status-pages/:id/preview", read, s.previewStatusPage},
		{post, "/status-pages/:id/preview", changeMonitors, s.tryStatusPage},
		{get, "/status-pages/:id/preview/logo", read, s.preview(s.showStatusLogo)},
		{get, "/status-pages/:id/preview/theme.css", read, s.preview(s.showStatusTheme)},
		{get, "/status-pages/:id/delete", changeMonitors, s.showDeleteStatusPage},
		{post, "/status-pages/:id/delete", changeMonitors, s.deleteStatusPage},
		{get, "/status-pages/:id/domain", changeMonitors, s.showDomain},
		{post, "/status-pages/:id/domain", changeMonitors, s.changeDomain},
		{get, "/status-pages/:id/posts", read, s.showStatusPosts},
		{post, "/status-pages/:id/posts", handleIncidents, s.createStatusPost},
		{get, "/status-pages/:id/posts/new", handleIncidents, s.showNewStatusPost},
		{get, "/status-pages/:id/posts/:post", read, s.showStatusPost},
		{post, "/status-pages/:id/posts/:post", handleIncidents, s.changeStatusPost},
		{get, "/status-pages/:id/posts/:post/delete", handleIncidents, s.showDeleteStatusPost},
		{post, "/status-pages/:id/posts/:post/delete", handleIncidents, s.deleteStatusPost},
		{post, "/status-pages/:id/posts/:post/updates", handleIncidents, s.addStatusUpdate},
		{get, "/status-pages/:id/posts/:post/updates/:update", handleIncidents, s.showStatusUpdate},
		{post, "/status-pages/:id/posts/:post/updates/:update", handleIncidents, s.changeStatusUpdate},
		{post, "/status-pages/:id/posts/:post/updates/:update/delete", handleIncidents, s.deleteStatusUpdate},

		{get, "/status-templates", handleIncidents, s.showStatusTemplates},
		{post, "/status-templates", changeTemplates, s.createStatusTemplate},
		{get, "/status-templates/new", changeTemplates, s.showNewStatusTemplate},
		{get, "/status-templates/:id", changeTemplates, s.showStatusTemplate},
		{post, "/status-templates/:id", changeTemplates, s.changeStatusTemplate},
		{get, "/status-templates/:id/delete", changeTemplates, s.showDeleteStatusTemplate},
		{post, "/status-templates/:id/delete", changeTemplates, s.deleteStatusTemplate},

		{get, "/incidents", read, s.showIncidents},
		{get, "/incidents/:id", read, s.showIncident},
		{get, "/incidents/:id/tell", handleIncidents, s.tellOfIncident},
		{post, "/incidents/:id/acknowledge", handleIncidents, s.acknowledgeIncident},
		{post, "/incidents/:id/comments", handleIncidents, s.commentIncident},

		{get, "/customers", read, s.showCustomers},
		{post, "/customers", changeCustomers, s.createCustomer},
		{get, "/customers/new", changeCustomers, s.showNewCustomer},
		{get, "/customers/:id", changeCustomers, s.showCustomer},
		{post, "/customers/:id", changeCustomers, s.changeCustomer},
		{get, "/customers/:id/cancel", changeCustomers, s.showCancelCustomer},
		{post, "/customers/:id/cancel", changeCustomers, s.cancelCustomer},

		{get, "/wall", read, s.showWall},
		{get, "/wall/lines", read, s.showWallLines}, // what the script of the wall says of each line

		{get, "/prober", seeProber, s.showProber},

		{get, "/tokens", manageTokens, s.showTokens},
		{post, "/tokens", manageTokens, s.createToken},
		{get, "/tokens/:id/delete", manageTokens, s.showDeleteToken},
		{post, "/tokens/:id/delete", manageTokens, s.deleteToken},
	}
}
