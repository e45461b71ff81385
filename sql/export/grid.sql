-- The project's grid.
SELECT crs, resolution_x, resolution_y FROM grid;
