-- Incidents: what went wrong with one monitor, or with many at once, or with our own sight, from its first lost packet to its end.
-- What is shown of one (its checks, its words) is copied into it: raw checks and users go, incidents stay.

CREATE TABLE incidents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  organization_id BIGINT NOT NULL REFERENCES organizations (id),
  location_id BIGINT NOT NULL REFERENCES locations (id),
  type TEXT NOT NULL CHECK (type IN ('downtime', 'degraded', 'blind')),
  mass BOOLEAN NOT NULL,
  cause TEXT NOT NULL,
  cause_source TEXT NOT NULL,
  cause_mtu BIGINT NOT NULL,
  reason TEXT NOT NULL,
  checks BIGINT NOT NULL,
  sent BIGINT NOT NULL,
  received BIGINT NOT NULL,
  rtt BIGINT NOT NULL,
  started_at TIMESTAMP NOT NULL,
  confirmed_at TIMESTAMP NOT NULL,
  ended_at TIMESTAMP,
  end_reason TEXT NOT NULL,
  ended_by TEXT NOT NULL,
  acknowledged_at TIMESTAMP,
  acknowledged_by_id BIGINT NOT NULL,
  acknowledged_by TEXT NOT NULL,
  acknowledge_note TEXT NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  UNIQUE (organization_id, id)
);
--bun:split
-- For the count of an organization's open incidents, which is on every page, and for the mass failure that one more monitor joins.
CREATE INDEX incidents_open ON incidents (organization_id, type) WHERE ended_at IS NULL;
--bun:split
-- A location is blind once, whoever says so.
CREATE UNIQUE INDEX incidents_blind_once ON incidents (organization_id, location_id) WHERE type = 'blind' AND ended_at IS NULL;
--bun:split
-- For the second instance's look at what the first one found.
CREATE INDEX incidents_by_change ON incidents (updated_at);
--bun:split
CREATE TABLE incident_monitors (
  incident_id BIGINT NOT NULL,
  monitor_id BIGINT NOT NULL,
  location_id BIGINT NOT NULL REFERENCES locations (id),
  organization_id BIGINT NOT NULL,
  cause TEXT NOT NULL,
  cause_source TEXT NOT NULL,
  cause_mtu BIGINT NOT NULL,
  reason TEXT NOT NULL,
  checks BIGINT NOT NULL,
  sent BIGINT NOT NULL,
  received BIGINT NOT NULL,
  rtt BIGINT NOT NULL,
  started_at TIMESTAMP NOT NULL,
  confirmed_at TIMESTAMP NOT NULL,
  ended_at TIMESTAMP,
  failed_checks BIGINT NOT NULL,
  recovery_checks BIGINT NOT NULL,
  evidence TEXT NOT NULL,
  PRIMARY KEY (incident_id, monitor_id),
  FOREIGN KEY (organization_id, incident_id) REFERENCES incidents (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- One open incident a monitor and location: whatever happens, none is opened twice.
CREATE UNIQUE INDEX incident_monitors_once ON incident_monitors (monitor_id, location_id) WHERE ended_at IS NULL;
--bun:split
-- For the incidents of one monitor, newest first, and for its deletion.
CREATE INDEX incident_monitors_by_monitor ON incident_monitors (organization_id, monitor_id, incident_id);
--bun:split
CREATE TABLE incident_comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  incident_id BIGINT NOT NULL,
  organization_id BIGINT NOT NULL,
  at TIMESTAMP NOT NULL,
  user_id BIGINT NOT NULL,
  author TEXT NOT NULL,
  text TEXT NOT NULL,
  FOREIGN KEY (organization_id, incident_id) REFERENCES incidents (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- For the comments of one incident in order.
CREATE INDEX incident_comments_by_incident ON incident_comments (organization_id, incident_id, id);
