-- "Fragmentation needed" says how large a packet may be; that figure is what mends the trouble, so it is kept with the cause.

ALTER TABLE results ADD COLUMN cause_mtu BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE monitor_states ADD COLUMN cause_mtu BIGINT NOT NULL DEFAULT 0;
