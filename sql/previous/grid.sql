-- The grid of a project.
SELECT crs, resolution_x, resolution_y, origin_x, origin_y FROM grid;
