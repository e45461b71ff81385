-- How do the regions compare: polygons, samples, and accuracy of the model of each?
WITH learnt AS (
    SELECT run, region, sum(n_learn_polygons) AS n_learn_polygons, sum(n_learn) AS n_learn
    FROM class_statistics
    GROUP BY run, region
), judged AS (
    SELECT run, region, count(DISTINCT polygon_id) AS n_val_polygons, count(*) AS n_val,
        count(*) FILTER (predicted_code = reference_code) / count(*) AS accuracy
    FROM evaluated_pixel
    GROUP BY run, region
)
SELECT learnt.run, learnt.region, n_learn_polygons, n_learn, n_val_polygons, n_val, accuracy
FROM learnt LEFT JOIN judged USING (run, region)
ORDER BY learnt.run, learnt.region;
