-- Where a candidate pixel comes from.
SELECT candidate.sample_id, candidate.polygon_id, polygon.source_label, polygon.class_code, class.class_name,
    polygon.group_name, polygon.area AS polygon_area, candidate.region, candidate.tile, candidate.chunk,
    candidate.grid_column, candidate.grid_row, grid.origin_x + (candidate.grid_column + 0.5) * grid.resolution_x AS x,
    grid.origin_y - (candidate.grid_row + 0.5) * grid.resolution_y AS y, candidate.n_valid, candidate.longest_gap,
    candidate.edge_distance
FROM candidate
JOIN polygon USING (polygon_id)
LEFT JOIN class USING (class_code)
CROSS JOIN grid
WHERE candidate.sample_id = $sample_id;
