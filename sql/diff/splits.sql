-- Polygons that are on another side of the split, run by run.
SELECT before.run, before.split AS split_before, now.split AS split_now, count(*) AS n_polygons
FROM polygon_split AS before
JOIN other.polygon_split AS now ON now.run = before.run AND now.polygon_id = before.polygon_id
WHERE before.split <> now.split
GROUP BY ALL
ORDER BY ALL;
