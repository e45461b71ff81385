-- Every candidate, chunk by chunk in scan order.
SELECT unit(tile, chunk) AS unit, sample_id FROM candidate ORDER BY tile, chunk, sample_id;
