-- Take out the samples of some groups and chunks.
DELETE FROM sample WHERE feature_group || '-' || unit(tile, chunk) IN (SELECT unnest($units::VARCHAR[]));
