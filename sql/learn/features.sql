-- What the features are, in the order of the model's columns.
SELECT feature_group, feature_name, sensor, band, strftime(date, '%Y%m%d') AS date
FROM feature
ORDER BY feature_id;
