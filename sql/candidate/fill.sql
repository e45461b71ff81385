-- Bring in the candidates of some chunks.
INSERT INTO candidate BY NAME
SELECT
    sample_id, polygon_id, region, tile, chunk, grid_column, grid_row, n_valid,
    map_from_entries(n_valid_by_sensor) AS n_valid_by_sensor, longest_gap, edge_distance
FROM read_parquet($files);
