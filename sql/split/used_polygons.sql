-- Polygons that gave at least one candidate pixel.
SELECT polygon.polygon_id, ST_AsWKB(polygon.geom) AS wkb
FROM polygon
WHERE polygon.polygon_id IN (SELECT candidate.polygon_id FROM candidate)
ORDER BY polygon.polygon_id;
