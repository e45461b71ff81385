-- Pixels of the previous year that any run has drawn, chunk by chunk.
SELECT tile, chunk, sample_id
FROM previous_candidate
WHERE sample_id IN (SELECT selection.sample_id FROM selection)
ORDER BY tile, chunk, sample_id;
