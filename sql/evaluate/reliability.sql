-- Confidence against accuracy, by tenths of confidence, over all runs.
SELECT confidence_from, sum(n_pixels)::BIGINT AS n_pixels, sum(confidence * n_pixels) / sum(n_pixels) AS confidence,
    sum(accuracy * n_pixels) / sum(n_pixels) AS accuracy
FROM reliability
GROUP BY confidence_from
ORDER BY confidence_from;
