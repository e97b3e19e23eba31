-- Back to maintenance that excuses from when its post was made.

ALTER TABLE status_post_monitors DROP COLUMN announced_at;
