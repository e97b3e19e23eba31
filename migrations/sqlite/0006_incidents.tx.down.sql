-- Forgets the incidents; states name none any more.

DROP TABLE incident_comments;
--bun:split
DROP TABLE incident_monitors;
--bun:split
DROP TABLE incidents;
--bun:split
UPDATE monitor_states SET incident_id = 0, incident_type = '';
