-- The square blocks that the pixels of each polygon lie in, counted from the origin of the projection.
DELETE FROM polygon_unit;
INSERT INTO polygon_unit BY NAME
SELECT candidate.polygon_id,
    concat_ws(
        '_',
        floor((candidate.grid_column + 0.5) * grid.resolution_x / $block_size::DOUBLE)::BIGINT,
        floor((candidate.grid_row + 0.5) * grid.resolution_y / $block_size::DOUBLE)::BIGINT
    ) AS unit,
    count(*) AS weight
FROM candidate CROSS JOIN grid
GROUP BY ALL;
