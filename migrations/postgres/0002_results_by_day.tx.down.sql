-- Puts all days back into one table.

ALTER TABLE results RENAME TO results_by_day;
--bun:split
ALTER TABLE results_by_day RENAME CONSTRAINT results_pkey TO results_by_day_pkey;
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
  packets BYTEA NOT NULL,
  PRIMARY KEY (monitor_id, slot, location_id)
);
--bun:split
INSERT INTO results (monitor_id, slot, location_id, kind, rev, started_us, outcome, cause, cause_source, sent, received, duplicates, late, reply_ttl, address, packets)
  SELECT monitor_id, slot, location_id, kind, rev, started_us, outcome, cause, cause_source, sent, received, duplicates, late, reply_ttl, address, packets FROM results_by_day;
--bun:split
DROP TABLE results_by_day;
