-- Forgets traces and live measurements.

DROP TABLE live_packets;
--bun:split
DROP TABLE live_sessions;
--bun:split
DROP TABLE trace_requests;
--bun:split
DROP TABLE traces;
