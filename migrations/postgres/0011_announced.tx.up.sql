-- When visitors could first read that maintenance is of this monitor: what was measured before is not excused by it.
ALTER TABLE status_post_monitors ADD COLUMN announced_at TIMESTAMPTZ;
--bun:split
UPDATE status_post_monitors SET announced_at = (SELECT updated_at FROM status_posts AS p WHERE p.id = post_id);
