-- The tiles on the grid.
DELETE FROM tile;
INSERT INTO tile BY NAME
SELECT tile, tile_rank, grid_column, grid_row, n_columns, n_rows, ST_GeomFromWKB(wkb) AS geom
FROM incoming_geometries
ORDER BY tile_rank;
