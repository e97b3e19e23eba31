-- Only Postgres keeps results by the day; SQLite's are clustered by monitor and time already. Both number their steps alike.

SELECT 1;
