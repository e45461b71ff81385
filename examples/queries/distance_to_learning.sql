-- How far are the validation polygons from the nearest polygon of their class that learnt?
SELECT polygon_distance.run, class.class_name, count(*) AS n_polygons, min(distance) AS nearest,
    median(distance) AS median, max(distance) AS farthest
FROM polygon_distance
JOIN polygon USING (polygon_id)
JOIN class USING (class_code)
GROUP BY polygon_distance.run, class.class_name, class.class_rank
ORDER BY polygon_distance.run, class.class_rank;
