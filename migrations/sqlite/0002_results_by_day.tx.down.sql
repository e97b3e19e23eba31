-- Nothing was changed on the way up.

SELECT 1;
