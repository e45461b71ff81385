-- Take out the rejections of some groups and chunks.
DELETE FROM rejection WHERE feature_group || '-' || unit(tile, chunk) IN (SELECT unnest($units::VARCHAR[]));
