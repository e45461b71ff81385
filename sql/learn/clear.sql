-- Take out what was found in searches and how important features are; it is brought in again from the parts.
DELETE FROM search_result;
DELETE FROM feature_importance;
