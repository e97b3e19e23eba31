-- Takes the figures out of the heartbeat; the next heartbeat of the newer version writes them anew.

ALTER TABLE prober_heartbeats DROP COLUMN figures;
