-- A pixel is a candidate once: of one tile, one region, one polygon.
SELECT sample_id, count(*) AS n FROM candidate GROUP BY sample_id HAVING count(*) > 1;
