-- Forgets status pages and what was told on them.

DROP TABLE status_templates;
--bun:split
DROP TABLE status_updates;
--bun:split
DROP TABLE status_post_monitors;
--bun:split
DROP TABLE status_posts;
--bun:split
DROP INDEX incident_monitors_by_end;
--bun:split
DROP TABLE status_visits;
--bun:split
DROP TABLE status_page_monitors;
--bun:split
DROP TABLE status_pages;
