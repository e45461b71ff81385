-- Polygons of different classes that claim the same pixels: the pixels are left out.
INSERT INTO finding BY NAME
SELECT
    'candidate' AS stage, 'warning' AS severity,
    CASE WHEN $is_point THEN 'point' ELSE 'polygon' END AS subject,
    polygon_id_a || ' and ' || polygon_id_b AS item,
    CASE WHEN $is_point THEN 'lie in one pixel with different classes'
        ELSE 'overlap with different classes on ' || sum(n_pixels) || ' pixels' END AS message,
    CASE WHEN $is_point THEN 'the pixel is not used' ELSE 'these pixels are not used' END AS remedy
FROM read_parquet($files)
GROUP BY polygon_id_a, polygon_id_b
ORDER BY polygon_id_a, polygon_id_b;
