-- Accuracy by circumstance over all runs: pixels added up.
SELECT circumstance, bin, max(n_polygons)::BIGINT AS n_polygons, sum(n_pixels)::BIGINT AS n_pixels,
    sum(accuracy * n_pixels) / sum(n_pixels) AS accuracy
FROM accuracy_by_circumstance
GROUP BY circumstance, at_least, bin
ORDER BY circumstance, at_least NULLS LAST, bin;
