-- What a verdict that knows limits needs to remember too: checks in a row that did not fail, since when they fail, and the limit that
-- was reached. What is down already began when its state did.

ALTER TABLE monitor_states ADD COLUMN passes BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE monitor_states ADD COLUMN failing_since TIMESTAMPTZ;
--bun:split
ALTER TABLE monitor_states ADD COLUMN reason TEXT NOT NULL DEFAULT '';
--bun:split
UPDATE monitor_states SET trouble_since = since, failing_since = since, degraded_in_row = failures WHERE state = 'down' AND measured = 'down';
