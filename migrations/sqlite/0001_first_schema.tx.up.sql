-- The first schema: who uses Echolot (organizations, customers, users, sessions, tokens), what they watch (monitors),
-- and what was found (states, results). Every tenant's table carries organization_id and points with it, so that no row can
-- refer to another tenant's row; results have no foreign keys because a monitor's deletion must not wait for them.

CREATE TABLE organizations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL
);
--bun:split
CREATE TABLE customers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  organization_id BIGINT NOT NULL REFERENCES organizations (id),
  name TEXT NOT NULL,
  search TEXT NOT NULL,
  email TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'marked_for_cancellation', 'cancelled')),
  notification_email TEXT,
  notification_phone_number TEXT,
  country_codes TEXT,
  custom_fields TEXT NOT NULL,
  monthly_reports_enabled BOOLEAN NOT NULL,
  cancelled_at TIMESTAMP,
  cancellation_date TIMESTAMP,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  UNIQUE (organization_id, id)
);
--bun:split
CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  organization_id BIGINT NOT NULL REFERENCES organizations (id),
  email TEXT NOT NULL UNIQUE,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('admin', 'user', 'readonly', 'global_admin', 'global_supporter')),
  is_active BOOLEAN NOT NULL,
  password_hash TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  UNIQUE (organization_id, id)
);
--bun:split
CREATE TABLE user_customers (
  organization_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  customer_id BIGINT NOT NULL,
  PRIMARY KEY (user_id, customer_id),
  FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id) ON DELETE CASCADE
);
--bun:split
CREATE TABLE sessions (
  token_hash BLOB PRIMARY KEY,
  organization_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  chosen_organization_id BIGINT REFERENCES organizations (id),
  created_at TIMESTAMP NOT NULL,
  last_seen_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL,
  FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- For the count of a user's sessions at sign-in, and for ending all of them.
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
--bun:split
CREATE TABLE api_tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  organization_id BIGINT NOT NULL REFERENCES organizations (id),
  user_id BIGINT,
  customer_id BIGINT,
  name TEXT NOT NULL,
  token_hash BLOB NOT NULL UNIQUE,
  token_hint TEXT NOT NULL,
  last_used_at TIMESTAMP,
  expires_at TIMESTAMP,
  created_at TIMESTAMP NOT NULL,
  FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- For the list of an organization's tokens.
CREATE INDEX api_tokens_by_organization ON api_tokens (organization_id, id);
--bun:split
CREATE TABLE setup_tokens (
  token_hash BLOB PRIMARY KEY,
  created_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL
);
--bun:split
CREATE TABLE login_attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  bucket TEXT NOT NULL,
  at TIMESTAMP NOT NULL
);
--bun:split
-- For counting the failed attempts of one address or account in the last hour.
CREATE INDEX login_attempts_by_bucket ON login_attempts (bucket, at);
--bun:split
CREATE TABLE locations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  country TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL
);
--bun:split
CREATE TABLE prober_heartbeats (
  location_id BIGINT PRIMARY KEY REFERENCES locations (id),
  seen_at TIMESTAMP NOT NULL,
  engine TEXT NOT NULL,
  ipv4 TEXT NOT NULL,
  ipv6 TEXT NOT NULL,
  lateness_ms BIGINT NOT NULL,
  monitors BIGINT NOT NULL,
  in_flight BIGINT NOT NULL,
  queue BIGINT NOT NULL,
  blind BOOLEAN NOT NULL,
  hint TEXT NOT NULL
);
--bun:split
-- The CHECKs repeat the API's limits: a row that came in another way must not make the prober flood or crash.
-- A CHECK that is NULL passes, so what is missing counts as out of bounds.
CREATE TABLE monitors (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  organization_id BIGINT NOT NULL,
  customer_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  hostname TEXT NOT NULL,
  hostname_typed TEXT NOT NULL,
  search TEXT NOT NULL,
  port BIGINT CHECK (port BETWEEN 1 AND 65535),
  status TEXT NOT NULL CHECK (status IN ('active', 'maintenance', 'disabled')),
  interval_seconds BIGINT NOT NULL CHECK (interval_seconds BETWEEN 1 AND 86400),
  timeout_ms BIGINT NOT NULL CHECK (timeout_ms BETWEEN 1000 AND 60000 AND timeout_ms <= interval_seconds * 1000),
  config TEXT NOT NULL CHECK (coalesce(json_extract(config, '$.packetSize'), -1) BETWEEN 0 AND 65507 AND coalesce(json_extract(config, '$.count'), 0) BETWEEN 1 AND 100
    AND coalesce(json_extract(config, '$.intervalMs'), 200) BETWEEN 10 AND 60000),
  country_codes TEXT,
  notification_phone_number TEXT,
  notification_email TEXT,
  rev BIGINT NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id)
);
--bun:split
-- For the list of one customer's monitors, and the check whether a customer still has any.
CREATE INDEX monitors_by_customer ON monitors (organization_id, customer_id, id);
--bun:split
-- For lists sorted by name, which the folded text begins with.
CREATE INDEX monitors_by_name ON monitors (organization_id, search);
--bun:split
-- For the prober's look at what another process changed.
CREATE INDEX monitors_by_change ON monitors (updated_at);
--bun:split
CREATE TABLE monitor_states (
  monitor_id BIGINT NOT NULL,
  location_id BIGINT NOT NULL REFERENCES locations (id),
  organization_id BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'up', 'degraded', 'down', 'unknown', 'paused')),
  since TIMESTAMP NOT NULL,
  measured TEXT NOT NULL,
  rank BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  successes BIGINT NOT NULL,
  unknown_in_row BIGINT NOT NULL,
  cause TEXT NOT NULL,
  cause_source TEXT NOT NULL,
  last_slot BIGINT NOT NULL,
  last_checked_at TIMESTAMP,
  last_outcome TEXT NOT NULL,
  last_sent BIGINT NOT NULL,
  last_received BIGINT NOT NULL,
  last_rtt BIGINT NOT NULL,
  address TEXT NOT NULL,
  reply_ttl BIGINT NOT NULL,
  recent BLOB NOT NULL,
  PRIMARY KEY (monitor_id, location_id),
  FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- For lists that sort worst first without looking at every monitor.
CREATE INDEX monitor_states_by_rank ON monitor_states (organization_id, rank, monitor_id);
--bun:split
-- For the second instance's look at what the first one found.
CREATE INDEX monitor_states_by_check ON monitor_states (last_checked_at);
--bun:split
CREATE TABLE check_requests (
  monitor_id BIGINT PRIMARY KEY,
  organization_id BIGINT NOT NULL,
  requested_at TIMESTAMP NOT NULL,
  FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE
);
--bun:split
CREATE TABLE results (
  monitor_id BIGINT NOT NULL,
  slot BIGINT NOT NULL,
  location_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  rev BIGINT NOT NULL,
  started_us BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  cause TEXT NOT NULL,
  cause_source TEXT NOT NULL,
  sent BIGINT NOT NULL,
  received BIGINT NOT NULL,
  duplicates BIGINT NOT NULL,
  late BIGINT NOT NULL,
  reply_ttl BIGINT NOT NULL,
  address TEXT NOT NULL,
  packets BLOB NOT NULL,
  PRIMARY KEY (monitor_id, slot, location_id)
) WITHOUT ROWID;
--bun:split
-- Deleted monitors whose results are still to be swept, in small steps.
CREATE TABLE deleted_monitors (
  monitor_id BIGINT PRIMARY KEY,
  organization_id BIGINT NOT NULL,
  customer_id BIGINT NOT NULL,
  public_id TEXT NOT NULL,
  deleted_at TIMESTAMP NOT NULL
);
--bun:split
CREATE TABLE audit_entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  organization_id BIGINT NOT NULL REFERENCES organizations (id),
  at TIMESTAMP NOT NULL,
  user_id BIGINT,
  token_id BIGINT,
  address TEXT NOT NULL,
  action TEXT NOT NULL,
  object_type TEXT NOT NULL,
  object_id BIGINT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL
);
--bun:split
-- For reading one organization's trail in order.
CREATE INDEX audit_entries_by_organization ON audit_entries (organization_id, id);
