-- The square blocks that the pixels of each polygon (or a series itself) lie in, counted from the projection's origin.
DELETE FROM polygon_unit;
INSERT INTO polygon_unit BY NAME
SELECT candidate.polygon_id,
    concat_ws(
        '_',
        floor(coalesce(
            grid.origin_x + (candidate.grid_column + 0.5) * grid.resolution_x,
            ST_X(CASE WHEN candidate.grid_column IS NULL THEN polygon.geom END)
        ) / $block_size::DOUBLE)::BIGINT,
        floor(coalesce(
            (candidate.grid_row + 0.5) * grid.resolution_y - grid.origin_y,
            -ST_Y(CASE WHEN candidate.grid_row IS NULL THEN polygon.geom END)
        ) / $block_size::DOUBLE)::BIGINT
    ) AS unit,
    count(*) AS weight
FROM candidate
JOIN polygon USING (polygon_id)
CROSS JOIN grid
GROUP BY ALL;
