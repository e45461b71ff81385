-- Candidates that any run has drawn, chunk by chunk in scan order.
SELECT tile, chunk, sample_id
FROM candidate
WHERE sample_id IN (SELECT selection.sample_id FROM selection)
ORDER BY tile, chunk, sample_id;
