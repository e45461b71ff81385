-- The polygons that touch each chunk, with the chunks' extents in map units.
WITH extent AS (
    SELECT chunk.tile, chunk.chunk,
        ST_MakeEnvelope(
            grid.origin_x + chunk.grid_column * grid.resolution_x,
            grid.origin_y - (chunk.grid_row + chunk.n_rows) * grid.resolution_y,
            grid.origin_x + (chunk.grid_column + chunk.n_columns) * grid.resolution_x,
            grid.origin_y - chunk.grid_row * grid.resolution_y
        ) AS geom
    FROM chunk CROSS JOIN grid
), plain AS (
    SELECT polygon.polygon_id, polygon.class_code, polygon.geom AS geom FROM polygon
)
SELECT extent.tile, extent.chunk, plain.polygon_id, plain.class_code, ST_AsWKB(plain.geom) AS wkb
FROM extent JOIN plain ON ST_Intersects(extent.geom, plain.geom)
ORDER BY extent.tile, extent.chunk, plain.polygon_id;
