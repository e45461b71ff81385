-- Polygons that gave no pixel: outside the tiles and regions, cloudy all the time, or without a pixel centre.
INSERT INTO finding BY NAME
SELECT
    'candidate' AS stage, 'warning' AS severity, 'polygon' AS subject, polygon.polygon_id::VARCHAR AS item,
    CASE
        WHEN NOT EXISTS (FROM tile WHERE ST_Intersects(tile.geom, polygon.geom)) THEN 'lies outside all tiles'
        WHEN polygon.area < grid.resolution_x * grid.resolution_y THEN 'is smaller than a pixel and holds no pixel centre'
        ELSE 'gives no usable pixel (no pixel centre, no region, too few clear dates, or eroded away)'
    END AS message,
    'it takes part in no split' AS remedy
FROM polygon CROSS JOIN grid
WHERE polygon.polygon_id NOT IN (SELECT candidate.polygon_id FROM candidate)
ORDER BY polygon.polygon_id;
