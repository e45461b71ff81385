-- Regions that are dealt out to several models.
INSERT INTO finding BY NAME
SELECT 'split' AS stage, 'note' AS severity, 'region' AS subject, region AS item,
    'is dealt out to ' || count(*) || ' models' AS message,
    'their labels are fused (region_model, polygon_model)' AS remedy
FROM region_model JOIN region USING (region)
WHERE region_model.sensor IS NULL
GROUP BY region, region_rank
HAVING count(*) > 1
ORDER BY region_rank;
