-- Take out what the smoothed maps say in some chunks.
DELETE FROM derived_prediction WHERE is_smoothed AND unit(tile, chunk) IN (SELECT unnest($units::VARCHAR[]));
