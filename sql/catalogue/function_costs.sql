-- What each function of the user cost, over all stages that called it, the dearest first.
SELECT function, sum(n_calls)::BIGINT AS n_calls, sum(seconds) AS seconds, max(peak_megabytes) AS peak_megabytes,
    sum(kept_megabytes) AS kept_megabytes, sum(n_not_finite)::BIGINT AS n_not_finite
FROM function_cost
GROUP BY function
ORDER BY seconds DESC, function;
