-- Take out the candidates of some chunks.
DELETE FROM candidate WHERE unit(tile, chunk) IN (SELECT unnest($units::VARCHAR[]));
