-- The ground truth as it was read.
DELETE FROM polygon;
INSERT INTO polygon BY NAME
SELECT polygon_id, class_code, source_label, group_name, split_value, area,
    ST_GeomFromWKB(wkb) AS geom
FROM incoming_geometries
ORDER BY polygon_id;
