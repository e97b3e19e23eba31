-- Takes the figure out again; the cause and who said so stay.

ALTER TABLE monitor_states DROP COLUMN cause_mtu;
--bun:split
ALTER TABLE results DROP COLUMN cause_mtu;
