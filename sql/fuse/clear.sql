-- Take out what the fused map says in some chunks.
DELETE FROM derived_prediction WHERE NOT is_smoothed AND unit(tile, chunk) IN (SELECT unnest($units::VARCHAR[]));
