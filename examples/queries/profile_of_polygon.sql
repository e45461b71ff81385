-- Does a polygon look like its class? A band of its pixels, date by date, beside that of the whole class.
WITH of_polygon AS (
    SELECT feature.date, any_value(polygon.class_code) AS class_code, any_value(feature.scale) AS scale,
        count(*) AS n_pixels, median(sample.features[feature.feature_rank]) AS median
    FROM sample
    JOIN candidate USING (sample_id)
    JOIN polygon USING (polygon_id)
    JOIN feature USING (feature_group)
    WHERE candidate.polygon_id = $polygon_id AND lower(feature.band) = lower($band) AND feature.date IS NOT NULL
    GROUP BY feature.date
)
SELECT of_polygon.date, of_polygon.n_pixels, of_polygon.median * scale AS polygon_median,
    of_class.lower_quartile * scale AS class_lower_quartile, of_class.median * scale AS class_median,
    of_class.upper_quartile * scale AS class_upper_quartile,
    of_polygon.median BETWEEN of_class.lower_quartile AND of_class.upper_quartile AS is_usual
FROM of_polygon
JOIN profile($band) AS of_class USING (class_code, date)
ORDER BY of_polygon.date;
