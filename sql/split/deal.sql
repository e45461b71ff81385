-- Deal the groups that learn in a region out to its models, class by class, so that each gets its share of every class.
DELETE FROM polygon_model;
INSERT INTO polygon_model BY NAME
WITH part AS (
    SELECT unnest($parts::STRUCT(region VARCHAR, model VARCHAR, part BIGINT, n_parts BIGINT)[], recursive := true)
), learning AS (
    SELECT DISTINCT polygon_split.run, candidate.region, polygon_split.class_code, polygon_split.group_id,
        polygon_split.polygon_id
    FROM polygon_split JOIN candidate USING (polygon_id)
    WHERE polygon_split.split = 'learn' AND candidate.region IN (SELECT part.region FROM part)
), dealt AS (
    SELECT run, region, class_code, group_id,
        row_number() OVER (
            PARTITION BY run, region, class_code ORDER BY md5(concat_ws('|', $random_seed, 'part', run, group_id)), group_id
        ) - 1 AS place,
        count(*) OVER (PARTITION BY run, region, class_code) AS n
    FROM (SELECT DISTINCT run, region, class_code, group_id FROM learning)
)
SELECT learning.run, learning.region, learning.polygon_id, part.model
FROM learning
JOIN dealt USING (run, region, class_code, group_id)
JOIN part ON part.region = learning.region
-- Where a class has fewer groups than there are models they go round, so that no model lacks it.
WHERE CASE WHEN dealt.n >= part.n_parts THEN dealt.place % part.n_parts = part.part
    ELSE part.part % dealt.n = dealt.place END
ORDER BY ALL;
