-- Status pages: what an organization shows of a customer's monitors to people who never sign in, and what operators tell them.

CREATE TABLE status_pages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  organization_id BIGINT NOT NULL,
  customer_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  slug TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL DEFAULT '',
  visibility TEXT NOT NULL CHECK (visibility IN ('public', 'password', 'members', 'link')),
  is_published BOOLEAN NOT NULL DEFAULT FALSE,
  password_hash TEXT NOT NULL DEFAULT '',
  link_token TEXT NOT NULL,
  custom_domain TEXT NOT NULL DEFAULT '',
  domain_token TEXT NOT NULL,
  domain_verified_at TIMESTAMP,
  domain_checked_at TIMESTAMP,
  domain_missing_since TIMESTAMP,
  language TEXT NOT NULL DEFAULT 'en',
  time_zone TEXT NOT NULL DEFAULT 'UTC',
  footer_text TEXT NOT NULL DEFAULT '',
  accent TEXT NOT NULL DEFAULT '',
  logo BLOB,
  logo_type TEXT NOT NULL DEFAULT '',
  show_hostnames BOOLEAN NOT NULL DEFAULT FALSE,
  all_monitors BOOLEAN NOT NULL DEFAULT TRUE,
  latency TEXT NOT NULL DEFAULT 'sparkline' CHECK (latency IN ('none', 'sparkline', 'smoke')),
  no_index BOOLEAN NOT NULL DEFAULT FALSE,
  frame_sites TEXT NOT NULL DEFAULT '[]',
  publish TEXT NOT NULL DEFAULT 'down' CHECK (publish IN ('none', 'down', 'all')),
  version BIGINT NOT NULL DEFAULT 1,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- A domain belongs to the page that proved it; anybody may claim one until then.
CREATE UNIQUE INDEX status_pages_by_domain ON status_pages (custom_domain) WHERE domain_verified_at IS NOT NULL;
--bun:split
-- The monitors of a page in order, each with the group that it stands in; with all_monitors those of the customer that are not
-- here follow after them.
CREATE TABLE status_page_monitors (
  page_id BIGINT NOT NULL,
  monitor_id BIGINT NOT NULL,
  organization_id BIGINT NOT NULL,
  group_name TEXT NOT NULL DEFAULT '',
  display_name TEXT NOT NULL DEFAULT '',
  hidden BOOLEAN NOT NULL DEFAULT FALSE,
  position BIGINT NOT NULL,
  PRIMARY KEY (page_id, monitor_id),
  FOREIGN KEY (organization_id, page_id) REFERENCES status_pages (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- For deleting a monitor, and for the pages that show it.
CREATE INDEX status_page_monitors_by_monitor ON status_page_monitors (monitor_id);
--bun:split
-- Visitors who gave a page's password.
CREATE TABLE status_visits (
  token_hash BLOB PRIMARY KEY,
  page_id BIGINT NOT NULL REFERENCES status_pages (id) ON DELETE CASCADE,
  expires_at TIMESTAMP NOT NULL
);
--bun:split
-- For forgetting visits when a page's password changes, and when they are over.
CREATE INDEX status_visits_by_page ON status_visits (page_id, expires_at);
--bun:split
-- What operators tell: incidents, announcements, maintenance. incident_id is the measured incident that it tells of; hidden leaves
-- that one out of the page.
CREATE TABLE status_posts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  organization_id BIGINT NOT NULL,
  page_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('incident', 'announcement', 'maintenance')),
  title TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT '',
  starts_at TIMESTAMP NOT NULL,
  ends_at TIMESTAMP,
  incident_id BIGINT,
  hidden BOOLEAN NOT NULL DEFAULT FALSE,
  remind_minutes BIGINT NOT NULL DEFAULT 0,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  UNIQUE (organization_id, id),
  UNIQUE (page_id, incident_id),
  FOREIGN KEY (organization_id, page_id) REFERENCES status_pages (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- For a page's posts of a month, and for the newest.
CREATE INDEX status_posts_by_page ON status_posts (page_id, starts_at);
--bun:split
-- For what ended lately of a page's monitors, however long their history is.
CREATE INDEX incident_monitors_by_end ON incident_monitors (monitor_id, ended_at);
--bun:split
CREATE TABLE status_post_monitors (
  post_id BIGINT NOT NULL,
  monitor_id BIGINT NOT NULL,
  organization_id BIGINT NOT NULL,
  PRIMARY KEY (post_id, monitor_id),
  FOREIGN KEY (organization_id, post_id) REFERENCES status_posts (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- For deleting a monitor.
CREATE INDEX status_post_monitors_by_monitor ON status_post_monitors (monitor_id);
--bun:split
-- What was told of a post, and when: at may lie before created_at. body is Markdown as it was typed.
CREATE TABLE status_updates (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  organization_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL,
  state TEXT NOT NULL DEFAULT '',
  body TEXT NOT NULL,
  author TEXT NOT NULL,
  at TIMESTAMP NOT NULL,
  created_at TIMESTAMP NOT NULL,
  FOREIGN KEY (organization_id, post_id) REFERENCES status_posts (organization_id, id) ON DELETE CASCADE
);
--bun:split
-- For a post's updates in order.
CREATE INDEX status_updates_by_post ON status_updates (post_id, at);
--bun:split
CREATE TABLE status_templates (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  organization_id BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('incident', 'announcement', 'maintenance')),
  title TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT '',
  body TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL
);
--bun:split
-- For the list of an organization's templates.
CREATE INDEX status_templates_by_organization ON status_templates (organization_id, name);
