-- Take out the predictions of some chunks.
DELETE FROM prediction WHERE unit(tile, chunk) IN (SELECT unnest($units::VARCHAR[]));
