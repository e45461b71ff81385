-- Polygons that would learn next to val take part in neither.
INSERT INTO polygon_split BY NAME
SELECT polygon_split.run, polygon_split.polygon_id, polygon_split.region, polygon_split.class_code, polygon_split.group_id,
    'buffer' AS split
FROM polygon_split JOIN polygon_buffer USING (run, polygon_id)
WHERE polygon_split.split = 'learn';
DELETE FROM polygon_split
WHERE split = 'learn' AND (run, polygon_id) IN (SELECT (polygon_buffer.run, polygon_buffer.polygon_id) FROM polygon_buffer);
