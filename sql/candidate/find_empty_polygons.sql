-- Polygons that gave no pixel: outside the tiles and regions, cloudy all the time, or without a pixel centre; and points.
INSERT INTO finding BY NAME
SELECT
    'candidate' AS stage, 'warning' AS severity,
    CASE WHEN ST_GeometryType(polygon.geom) = 'POINT' THEN 'point' ELSE 'polygon' END AS subject,
    polygon.polygon_id::VARCHAR AS item,
    CASE
        WHEN NOT EXISTS (FROM tile WHERE ST_Intersects(tile.geom, polygon.geom)) THEN 'lies outside all tiles'
        WHEN ST_GeometryType(polygon.geom) = 'POINT' THEN coalesce(
            'lies in the pixel of point ' || owner.polygon_id || ', which has the same class',
            'gives no usable pixel (no region, too few clear dates, or shared with another class)'
        )
        WHEN polygon.area < grid.resolution_x * grid.resolution_y THEN 'is smaller than a pixel and holds no pixel centre'
        ELSE 'gives no usable pixel (no pixel centre, no region, too few clear dates, or eroded away)'
    END AS message,
    CASE WHEN owner.polygon_id IS NULL THEN 'it takes part in no split' ELSE 'the pixel counts once' END AS remedy
FROM polygon CROSS JOIN grid
-- ST_X is of points only; what is no point has no owner.
LEFT JOIN candidate AS owner
    ON owner.grid_column = CASE WHEN ST_GeometryType(polygon.geom) = 'POINT'
        THEN floor((ST_X(polygon.geom) - grid.origin_x) / grid.resolution_x) END
    AND owner.grid_row = CASE WHEN ST_GeometryType(polygon.geom) = 'POINT'
        THEN floor((grid.origin_y - ST_Y(polygon.geom)) / grid.resolution_y) END
WHERE polygon.polygon_id NOT IN (SELECT candidate.polygon_id FROM candidate)
ORDER BY polygon.polygon_id;
