-- Takes the first schema away, children before parents.

DROP TABLE audit_entries;
--bun:split
DROP TABLE deleted_monitors;
--bun:split
DROP TABLE results;
--bun:split
DROP TABLE check_requests;
--bun:split
DROP TABLE monitor_states;
--bun:split
DROP TABLE monitors;
--bun:split
DROP TABLE prober_heartbeats;
--bun:split
DROP TABLE locations;
--bun:split
DROP TABLE login_attempts;
--bun:split
DROP TABLE setup_tokens;
--bun:split
DROP TABLE api_tokens;
--bun:split
DROP TABLE sessions;
--bun:split
DROP TABLE user_customers;
--bun:split
DROP TABLE users;
--bun:split
DROP TABLE customers;
--bun:split
DROP TABLE organizations;
