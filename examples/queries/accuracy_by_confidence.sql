-- Can the confidence be believed? Accuracy by tenths of confidence, all runs together.
SELECT least(floor(confidence * 10), 9) / 10 AS confidence_from, count(*) AS n_pixels,
    count(*) FILTER (predicted_code = reference_code) / count(*) AS accuracy
FROM evaluated_pixel
GROUP BY ALL
ORDER BY confidence_from;
