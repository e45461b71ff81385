-- The features in the order of the columns.
SELECT feature_group, feature_rank, feature_name FROM feature ORDER BY feature_id;
