-- Forgets what verdicts remembered; the next results start anew.

ALTER TABLE monitor_states DROP COLUMN incident_type;
--bun:split
ALTER TABLE monitor_states DROP COLUMN incident_id;
--bun:split
ALTER TABLE monitor_states DROP COLUMN flapping_since;
--bun:split
ALTER TABLE monitor_states DROP COLUMN flips;
--bun:split
ALTER TABLE monitor_states DROP COLUMN window_checks;
--bun:split
ALTER TABLE monitor_states DROP COLUMN trouble_since;
--bun:split
ALTER TABLE monitor_states DROP COLUMN degraded_in_row;
