-- What the searches for parameters found, the best settings of each model first.
SELECT run, region, search_rank, parameters, n_folds, mean_score, deviation
FROM search_summary
WHERE search_rank <= $n_settings
ORDER BY run, region, search_rank;
