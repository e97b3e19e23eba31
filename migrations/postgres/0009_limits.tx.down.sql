-- Forgets what verdicts with limits remembered; the next results start anew.

ALTER TABLE monitor_states DROP COLUMN reason;
--bun:split
ALTER TABLE monitor_states DROP COLUMN failing_since;
--bun:split
ALTER TABLE monitor_states DROP COLUMN passes;
