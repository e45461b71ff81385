-- Per region: the area of its polygons in square map units, and the groups that its largest class learns from at least.
WITH sized AS (
    SELECT group_stratum.region, sum(polygon.area) AS area
    FROM group_stratum JOIN polygon_group USING (group_id) JOIN polygon USING (polygon_id)
    GROUP BY ALL
), learning AS (
    SELECT run, region, class_code, count(DISTINCT group_id) AS n_groups
    FROM polygon_split
    WHERE split = 'learn'
    GROUP BY ALL
), largest AS (
    SELECT region, max(n_groups) AS n_groups
    FROM (SELECT region, class_code, min(n_groups) AS n_groups FROM learning GROUP BY ALL)
    GROUP BY ALL
)
SELECT region.region, coalesce(sized.area, 0) AS area, coalesce(largest.n_groups, 0) AS n_groups
FROM region LEFT JOIN sized USING (region) LEFT JOIN largest USING (region)
ORDER BY region.region_rank;
