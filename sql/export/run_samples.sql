-- Extracted pixels of a run: drawn ones of learn polygons, all of the others.
SELECT $run::INTEGER AS run, polygon_split.split, sample_wide.*
FROM sample_wide
JOIN polygon_split ON polygon_split.polygon_id = sample_wide.polygon_id AND polygon_split.run = $run
WHERE ($split::VARCHAR IS NULL OR polygon_split.split = $split)
    AND (
        polygon_split.split <> 'learn'
        OR sample_wide.sample_id IN (SELECT selection.sample_id FROM selection WHERE selection.run = $run)
    )
ORDER BY sample_wide.sample_id;
