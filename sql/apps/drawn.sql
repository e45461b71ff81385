-- The drawn pixels with the polygon of each, in scan order.
SELECT selection.sample_id, candidate.polygon_id
FROM selection JOIN candidate USING (sample_id)
ORDER BY selection.sample_id;
