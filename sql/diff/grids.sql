-- The two grids, where they differ.
SELECT before.crs, before.resolution_x, now.crs AS crs_now, now.resolution_x AS resolution_x_now
FROM grid AS before CROSS JOIN other.grid AS now
WHERE before.crs <> now.crs OR before.resolution_x <> now.resolution_x OR before.resolution_y <> now.resolution_y
    OR before.origin_x <> now.origin_x OR before.origin_y <> now.origin_y;
