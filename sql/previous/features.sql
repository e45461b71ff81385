-- The features of a project, with their places in the arrays of their groups.
SELECT feature_group, feature_rank, sensor, band, date FROM feature ORDER BY feature_id;
