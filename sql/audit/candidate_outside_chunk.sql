-- A candidate lies in its chunk; a series of a table has no place.
SELECT candidate.sample_id, candidate.tile, candidate.chunk
FROM candidate
LEFT JOIN chunk ON chunk.tile = candidate.tile AND chunk.chunk = candidate.chunk
WHERE candidate.tile IS DISTINCT FROM 'table' AND (
    chunk.tile IS NULL OR candidate.grid_column IS NULL OR candidate.grid_row IS NULL
    OR candidate.grid_column < chunk.grid_column OR candidate.grid_column >= chunk.grid_column + chunk.n_columns
    OR candidate.grid_row < chunk.grid_row OR candidate.grid_row >= chunk.grid_row + chunk.n_rows
);
