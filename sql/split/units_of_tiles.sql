-- The tiles that the pixels of each polygon belong to.
DELETE FROM polygon_unit;
INSERT INTO polygon_unit BY NAME
SELECT polygon_id, tile AS unit, count(*) AS weight FROM candidate GROUP BY ALL;
