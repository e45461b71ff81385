-- How many zones have pixels with data in any band.
WITH covered AS (
    SELECT zone_id FROM zone_class
    UNION SELECT zone_id FROM zone_moment
    UNION SELECT zone_id FROM zone_number
)
SELECT count(*) AS n FROM covered;
