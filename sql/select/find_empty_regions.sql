-- Regions within the tiles that have nothing to learn from, so that no model covers them.
INSERT INTO finding BY NAME
SELECT
    'select' AS stage, 'warning' AS severity, 'region' AS subject, region.region AS item,
    'has no learning sample' || CASE WHEN bare.n_runs < (SELECT count(*) FROM run) THEN ' in ' || bare.n_runs || ' runs' ELSE '' END
        || ': its pixels are not classified' AS message,
    'give it polygons, or more of them to learn (arg_train.ratio, arg_train.sample_selection)' AS remedy
FROM (
    SELECT region.region, count(*) AS n_runs
    FROM region CROSS JOIN run
    ANTI JOIN (
        SELECT quota.run, coalesce(region_model.region, quota.region) AS covered
        FROM quota LEFT JOIN region_model ON region_model.model = quota.region
        WHERE quota.n_drawn > 0
    ) AS learnt ON learnt.run = run.run AND learnt.covered = region.region
    GROUP BY region.region
) AS bare
JOIN region USING (region)
WHERE region.geom IS NULL OR EXISTS (FROM tile WHERE ST_Intersects(tile.geom, region.geom))
ORDER BY region.region_rank;
