-- Polygons of both sides with their geometry, to measure how far val is from learn.
SELECT polygon_split.run, polygon_split.class_code, polygon_split.polygon_id, polygon_split.split,
    ST_AsWKB(polygon.geom) AS wkb
FROM polygon_split JOIN polygon USING (polygon_id)
ORDER BY polygon_split.run, polygon_split.class_code, polygon_split.polygon_id;
