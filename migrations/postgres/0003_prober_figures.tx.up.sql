-- What the prober knows of its own work (how punctual, how exact, what waits, what was left out) is one JSON object: it is
-- read and written as a whole, by one location, and no query looks into it.

ALTER TABLE prober_heartbeats ADD COLUMN figures TEXT NOT NULL DEFAULT '{}';
