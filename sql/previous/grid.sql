-- The grid of a project.
SELECT crs, resolution_x, resolution_y FROM grid;
