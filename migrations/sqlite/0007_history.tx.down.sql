-- Back to a column for each field, as far as the compact row still has it: rev is lost, and so are the roll-ups.

DROP TABLE rollups;
--bun:split
DROP INDEX monitor_states_by_rolled;
--bun:split
ALTER TABLE monitor_states DROP COLUMN rolled_until;
--bun:split
ALTER TABLE results RENAME TO results_compact;
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
  packets BLOB NOT NULL, cause_mtu BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (monitor_id, slot, location_id)
) WITHOUT ROWID;
--bun:split
-- Packets of the newer form can not be read by the older program and are left out.
INSERT INTO results (monitor_id, slot, location_id, kind, rev, started_us, outcome, cause, cause_source, sent, received, duplicates, late, reply_ttl,
    address, packets, cause_mtu)
  SELECT monitor_id, slot, location_id,
    CASE code & 7 WHEN 0 THEN 'scheduled' WHEN 1 THEN 'first' WHEN 2 THEN 'manual' ELSE 'confirm' END, 0, started_us,
    CASE code >> 3 & 3 WHEN 0 THEN 'success' WHEN 1 THEN 'warning' WHEN 2 THEN 'failure' ELSE 'unknown' END,
    CASE code >> 5 & 31 WHEN 1 THEN 'timeout' WHEN 2 THEN 'host_unreachable' WHEN 3 THEN 'net_unreachable' WHEN 4 THEN 'port_unreachable'
      WHEN 5 THEN 'prohibited' WHEN 6 THEN 'ttl_exceeded' WHEN 7 THEN 'too_big' WHEN 8 THEN 'dns_error' WHEN 9 THEN 'name_not_found'
      WHEN 10 THEN 'local_error' WHEN 11 THEN 'no_permission' WHEN 12 THEN 'target_not_allowed' WHEN 13 THEN 'overload' WHEN 14 THEN 'clock_step'
      WHEN 15 THEN 'prober_blind' ELSE '' END,
    coalesce(json_extract(details, '$.source'), ''), 0, 0, coalesce(json_extract(details, '$.duplicates'), 0), 0, code >> 16 & 255,
    CASE WHEN address IS NULL THEN '' WHEN typeof(address) = 'text' THEN address
      WHEN length(address) = 4 THEN
        (instr('0123456789ABCDEF', substr(hex(address), 1, 1)) * 16 + instr('0123456789ABCDEF', substr(hex(address), 2, 1)) - 17) || '.' ||
        (instr('0123456789ABCDEF', substr(hex(address), 3, 1)) * 16 + instr('0123456789ABCDEF', substr(hex(address), 4, 1)) - 17) || '.' ||
        (instr('0123456789ABCDEF', substr(hex(address), 5, 1)) * 16 + instr('0123456789ABCDEF', substr(hex(address), 6, 1)) - 17) || '.' ||
        (instr('0123456789ABCDEF', substr(hex(address), 7, 1)) * 16 + instr('0123456789ABCDEF', substr(hex(address), 8, 1)) - 17)
      ELSE lower(substr(hex(address), 1, 4) || ':' || substr(hex(address), 5, 4) || ':' || substr(hex(address), 9, 4) || ':' || substr(hex(address), 13, 4) || ':' ||
        substr(hex(address), 17, 4) || ':' || substr(hex(address), 21, 4) || ':' || substr(hex(address), 25, 4) || ':' || substr(hex(address), 29, 4)) END,
    CASE WHEN code & 32768 = 0 THEN coalesce(packets, x'') ELSE x'' END, coalesce(json_extract(details, '$.mtu'), 0)
  FROM results_compact;
--bun:split
DROP TABLE results_compact;
