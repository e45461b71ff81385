-- Only pixels of learn polygons are drawn.
SELECT selection.run, selection.sample_id
FROM selection
LEFT JOIN candidate USING (sample_id)
LEFT JOIN polygon_split
    ON polygon_split.run = selection.run AND polygon_split.polygon_id = candidate.polygon_id AND polygon_split.split = 'learn'
WHERE polygon_split.split IS NULL;
