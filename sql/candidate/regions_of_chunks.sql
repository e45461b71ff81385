-- The regions that touch each chunk, in their order; a region without geometry is everywhere.
WITH extent AS (
    SELECT chunk.tile, chunk.chunk,
        ST_MakeEnvelope(
            chunk.grid_column * grid.resolution_x, -(chunk.grid_row + chunk.n_rows) * grid.resolution_y,
            (chunk.grid_column + chunk.n_columns) * grid.resolution_x, -chunk.grid_row * grid.resolution_y
        ) AS geom
    FROM chunk CROSS JOIN grid
), plain AS (
    SELECT region.region, region.region_rank, region.geom AS geom FROM region
)
SELECT extent.tile, extent.chunk, plain.region, plain.region_rank, ST_AsWKB(plain.geom) AS wkb
FROM extent JOIN plain ON plain.geom IS NULL OR ST_Intersects(extent.geom, plain.geom)
ORDER BY extent.tile, extent.chunk, plain.region_rank;
