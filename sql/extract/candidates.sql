-- Every candidate, chunk by chunk in scan order.
SELECT tile, chunk, sample_id FROM candidate ORDER BY tile, chunk, sample_id;
