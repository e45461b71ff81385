-- Centres of some candidate pixels.
SELECT candidate.sample_id AS id,
    ST_AsWKB(ST_Point(
        grid.origin_x + (candidate.grid_column + 0.5) * grid.resolution_x,
        grid.origin_y - (candidate.grid_row + 0.5) * grid.resolution_y
    )) AS wkb
FROM candidate CROSS JOIN grid
WHERE candidate.sample_id IN (SELECT unnest($ids::BIGINT[]))
ORDER BY candidate.sample_id;
