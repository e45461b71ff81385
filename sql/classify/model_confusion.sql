-- What models say of their own samples out of fold.
SELECT run, region AS model, reference_code, predicted_code, n_samples AS n
FROM model_confusion
ORDER BY ALL;
