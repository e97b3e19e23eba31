-- What a verdict needs to remember between two results: degraded checks in a row, since when there is trouble, the checks of a
-- window, how often the verdict turned; and the incident that is open, so that no result has to look for it.

ALTER TABLE monitor_states ADD COLUMN degraded_in_row BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE monitor_states ADD COLUMN trouble_since TIMESTAMP;
--bun:split
ALTER TABLE monitor_states ADD COLUMN window_checks BLOB;
--bun:split
ALTER TABLE monitor_states ADD COLUMN flips BLOB;
--bun:split
ALTER TABLE monitor_states ADD COLUMN flapping_since TIMESTAMP;
--bun:split
ALTER TABLE monitor_states ADD COLUMN incident_id BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE monitor_states ADD COLUMN incident_type TEXT NOT NULL DEFAULT '';
