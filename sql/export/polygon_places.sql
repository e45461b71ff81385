-- Outlines of some polygons.
SELECT polygon_id AS id, ST_AsWKB(geom) AS wkb
FROM polygon
WHERE polygon_id IN (SELECT unnest($ids::BIGINT[]))
ORDER BY polygon_id;
