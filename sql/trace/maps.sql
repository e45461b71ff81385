-- What the maps that are made of the runs' maps say of a pixel.
SELECT derived.run, derived.is_smoothed, coalesce(class.class_name, 'undecided') AS predicted,
    derived.class_code = polygon.class_code AS is_right, derived.confidence
FROM derived_prediction AS derived
JOIN candidate USING (sample_id)
JOIN polygon USING (polygon_id)
LEFT JOIN class ON class.class_code = derived.class_code
WHERE derived.sample_id = $sample_id AND derived.class_code IS NOT NULL
ORDER BY derived.run NULLS LAST, derived.is_smoothed;
