-- Pixels of the ground truth in some rows of the grid: 1 val wrong, 2 val right, 3 learn wrong, 4 learn right.
SELECT candidate.grid_row, candidate.grid_column,
    max(CASE polygon_split.split WHEN 'val' THEN 1 ELSE 3 END
        + (prediction.class_code = polygon.class_code)::INTEGER)::UTINYINT AS code
FROM prediction
JOIN candidate USING (sample_id)
JOIN polygon USING (polygon_id)
JOIN polygon_split ON polygon_split.run = prediction.run AND polygon_split.polygon_id = candidate.polygon_id
WHERE prediction.run = $run AND prediction.class_code IS NOT NULL AND polygon_split.split IN ('learn', 'val')
    AND candidate.grid_row >= $first_row AND candidate.grid_row < $end_row
GROUP BY ALL;
