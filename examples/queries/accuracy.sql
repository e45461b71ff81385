-- How accurate is the map? Run by run, then the mean over runs with its 95 % interval.
WITH summary AS (
    UNPIVOT (SELECT metric, mean, lower_bound, upper_bound FROM accuracy_summary WHERE class_code IS NULL)
    ON mean, lower_bound, upper_bound INTO NAME bound VALUE measure
), line AS (
    SELECT 1 AS place, 'run ' || run AS of_what, n_polygons, n_pixels, overall_accuracy, kappa, f_score
    FROM accuracy
    UNION ALL BY NAME
    SELECT 2 AS place, bound AS of_what,
        any_value(measure) FILTER (metric = 'overall_accuracy') AS overall_accuracy,
        any_value(measure) FILTER (metric = 'kappa') AS kappa,
        any_value(measure) FILTER (metric = 'f_score') AS f_score
    FROM summary
    GROUP BY bound
)
SELECT * EXCLUDE (place) FROM line ORDER BY place, of_what;
