-- Results are written in order of time and will be thrown away by the day: each UTC day gets a partition of its own, so
-- that the index a batch is written into stays small, and an old day goes without a row being touched. The program makes
-- the days. There is no DEFAULT partition: each new day would have to be looked for in it, with everybody locked out.

ALTER TABLE results RENAME TO results_before;
--bun:split
ALTER TABLE results_before RENAME CONSTRAINT results_pkey TO results_before_pkey;
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
) PARTITION BY RANGE (slot);
--bun:split
DO $$
DECLARE day BIGINT;
BEGIN
  FOR day IN SELECT DISTINCT floor(slot / 86400000.0)::bigint FROM results_before ORDER BY 1 LOOP
    EXECUTE format('CREATE TABLE results_%s PARTITION OF results FOR VALUES FROM (%s) TO (%s)',
      to_char(DATE '1970-01-01' + day::int, 'YYYYMMDD'), day * 86400000, (day + 1) * 86400000);
  END LOOP;
END $$;
--bun:split
INSERT INTO results (monitor_id, slot, location_id, kind, rev, started_us, outcome, cause, cause_source, sent, received, duplicates, late, reply_ttl, address, packets)
  SELECT monitor_id, slot, location_id, kind, rev, started_us, outcome, cause, cause_source, sent, received, duplicates, late, reply_ttl, address, packets FROM results_before;
--bun:split
DROP TABLE results_before;
