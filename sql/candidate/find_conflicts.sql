-- Polygons of different classes that claim the same pixels: the pixels are left out.
INSERT INTO finding BY NAME
SELECT
    'candidate' AS stage, 'warning' AS severity, 'polygon' AS subject,
    polygon_id_a || ' and ' || polygon_id_b AS item,
    'overlap with different classes on ' || sum(n_pixels) || ' pixels' AS message,
    'these pixels are not used' AS remedy
FROM read_parquet($files)
GROUP BY polygon_id_a, polygon_id_b
ORDER BY polygon_id_a, polygon_id_b;
