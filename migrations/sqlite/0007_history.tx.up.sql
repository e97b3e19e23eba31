-- History in little space. A raw check takes 44 bytes on SQLite instead of 80: kind, outcome, cause, verdict and TTL are bits of one
-- number (models/result_row.go), addresses are bytes, what is nearly always the same is derived or NULL. The interval is new: it
-- says how long a check speaks for the time after it. Roll-ups of 5 minutes, an hour and a day are packs of many buckets
-- (models/rollup_pack.go). Addresses of before stay text.

ALTER TABLE results RENAME TO results_before;
--bun:split
CREATE TABLE results (
  monitor_id BIGINT NOT NULL,
  slot BIGINT NOT NULL,
  location_id BIGINT NOT NULL,
  code BIGINT NOT NULL,
  interval_seconds BIGINT NOT NULL,
  started_us BIGINT NOT NULL,
  address BLOB,
  packets BLOB,
  details TEXT,
  PRIMARY KEY (monitor_id, slot, location_id)
) WITHOUT ROWID;
--bun:split
INSERT INTO results (monitor_id, slot, location_id, code, interval_seconds, started_us, address, packets, details)
  SELECT r.monitor_id, r.slot, r.location_id,
    CASE r.kind WHEN 'scheduled' THEN 0 WHEN 'first' THEN 1 WHEN 'manual' THEN 2 WHEN 'confirm' THEN 3 ELSE 7 END
    | (CASE r.outcome WHEN 'success' THEN 0 WHEN 'warning' THEN 1 WHEN 'failure' THEN 2 ELSE 3 END << 3)
    | (CASE r.cause WHEN '' THEN 0 WHEN 'timeout' THEN 1 WHEN 'host_unreachable' THEN 2 WHEN 'net_unreachable' THEN 3 WHEN 'port_unreachable' THEN 4
        WHEN 'prohibited' THEN 5 WHEN 'ttl_exceeded' THEN 6 WHEN 'too_big' THEN 7 WHEN 'dns_error' THEN 8 WHEN 'name_not_found' THEN 9
        WHEN 'local_error' THEN 10 WHEN 'no_permission' THEN 11 WHEN 'target_not_allowed' THEN 12 WHEN 'overload' THEN 13 WHEN 'clock_step' THEN 14
        WHEN 'prober_blind' THEN 15 ELSE 31 END << 5)
    -- What the verdict was is not known of a failed check: up, and confirming (8), is what one failure makes of it.
    | (CASE r.outcome WHEN 'success' THEN 2 WHEN 'warning' THEN 2 WHEN 'failure' THEN 2 | 8 ELSE 5 END << 10)
    | ((r.reply_ttl & 255) << 16),
    coalesce(m.interval_seconds, 60), min(r.started_us, 2147483647), nullif(r.address, ''), r.packets,
    CASE WHEN r.cause_source = '' AND r.cause_mtu = 0 AND r.duplicates = 0 THEN NULL
      ELSE '{"source":"' || r.cause_source || '","mtu":' || r.cause_mtu || ',"duplicates":' || r.duplicates || '}' END
  FROM results_before AS r LEFT JOIN monitors AS m ON m.id = r.monitor_id;
--bun:split
DROP TABLE results_before;
--bun:split
-- Up to when a monitor's results are rolled up, in milliseconds since 1970. The roller raises it, a late result lowers it.
ALTER TABLE monitor_states ADD COLUMN rolled_until BIGINT NOT NULL DEFAULT 0;
--bun:split
-- For the roller's choice of those that are behind.
CREATE INDEX monitor_states_by_rolled ON monitor_states (location_id, rolled_until);
--bun:split
-- id is made of monitor, level, location and period, so that a monitor's packs lie together and are found without an index.
CREATE TABLE rollups (
  id INTEGER PRIMARY KEY,
  times BLOB NOT NULL,
  rtts BLOB NOT NULL
);
