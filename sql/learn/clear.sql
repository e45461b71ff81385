-- Take out what was found in searches, how important features are and what models say out of fold; it is brought in again from the parts.
DELETE FROM search_result;
DELETE FROM feature_importance;
DELETE FROM model_confusion;
