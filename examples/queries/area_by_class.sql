-- How many hectares of the ground truth has each class, as surveyed and as mapped in each run?
WITH pixel AS (
    SELECT resolution_x * resolution_y / 10000 AS hectares FROM grid
), surveyed AS (
    SELECT polygon.class_code, count(*) AS n_pixels
    FROM candidate JOIN polygon USING (polygon_id)
    GROUP BY polygon.class_code
), mapped AS (
    SELECT run, class_code, count(*) AS n_pixels FROM prediction GROUP BY run, class_code
)
SELECT run.run, class.class_name, coalesce(surveyed.n_pixels, 0) * pixel.hectares AS surveyed_hectares,
    coalesce(mapped.n_pixels, 0) * pixel.hectares AS mapped_hectares
FROM run CROSS JOIN class CROSS JOIN pixel
LEFT JOIN surveyed USING (class_code)
LEFT JOIN mapped ON mapped.run = run.run AND mapped.class_code = class.class_code
ORDER BY run.run, class.class_rank;
