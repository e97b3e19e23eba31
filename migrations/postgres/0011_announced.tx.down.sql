ALTER TABLE status_post_monitors DROP COLUMN announced_at;
