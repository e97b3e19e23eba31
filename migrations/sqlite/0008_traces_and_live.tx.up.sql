-- Paths to the targets, hop by hop: one while all was well, one at the moment of a failure, and those that people asked for. Live
-- measurements: who runs one, of what, how fast and until when; and what became of each packet, for the minutes in which people look.

CREATE TABLE traces (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  organization_id BIGINT NOT NULL,
  monitor_id BIGINT NOT NULL,
  location_id BIGINT NOT NULL,
  at TIMESTAMP NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('baseline', 'failure', 'manual')),
  address TEXT NOT NULL,
  hops TEXT NOT NULL,
  reached BOOLEAN NOT NULL,
  FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- For a monitor's newest trace, and for those around an incident.
CREATE INDEX traces_by_monitor ON traces (monitor_id, at);
--bun:split
CREATE TABLE trace_requests (
  monitor_id BIGINT PRIMARY KEY,
  organization_id BIGINT NOT NULL,
  requested_at TIMESTAMP NOT NULL,
  FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE
);
--bun:split
CREATE TABLE live_sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  organization_id BIGINT NOT NULL,
  monitor_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  target TEXT NOT NULL,
  rate INTEGER NOT NULL CHECK (rate BETWEEN 1 AND 10),
  started_at TIMESTAMP NOT NULL,
  until TIMESTAMP NOT NULL,
  ended_at TIMESTAMP,
  why TEXT NOT NULL DEFAULT '',
  share_hash BLOB UNIQUE,
  share_host BOOLEAN NOT NULL DEFAULT FALSE,
  FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- One at a time for each user, and for each target whosever it is; the database says so to two at once.
CREATE UNIQUE INDEX live_sessions_by_user ON live_sessions (user_id) WHERE ended_at IS NULL;
--bun:split
CREATE UNIQUE INDEX live_sessions_by_target ON live_sessions (target) WHERE ended_at IS NULL;
--bun:split
-- For a monitor's page.
CREATE INDEX live_sessions_by_monitor ON live_sessions (monitor_id, started_at);
--bun:split
CREATE TABLE live_packets (
  session_id BIGINT NOT NULL REFERENCES live_sessions (id) ON DELETE CASCADE,
  n BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  sent_at TIMESTAMP NOT NULL,
  fate TEXT NOT NULL,
  rtt BIGINT NOT NULL,
  reordered BOOLEAN NOT NULL,
  ttl INTEGER NOT NULL,
  source TEXT NOT NULL,
  cause TEXT NOT NULL,
  PRIMARY KEY (session_id, n)
) WITHOUT ROWID;
