-- How many pixels of each class every model wants, by its region's strategy, and how many it can have.
DELETE FROM quota;
INSERT INTO quota BY NAME
WITH strategy AS (
    SELECT unnest($strategies::STRUCT(
        region VARCHAR, sampler VARCHAR, strategy VARCHAR, percent DOUBLE, count BIGINT, total BIGINT)[], recursive := true)
), wanted_class AS (
    SELECT unnest($wanted_classes::STRUCT(region VARCHAR, class_code INTEGER, n_wanted BIGINT)[], recursive := true)
), available AS (
    SELECT run, region, class_code, count(*) AS n_available FROM learnable_pixel GROUP BY ALL
), measured AS (
    SELECT run, region, class_code, n_available,
        min(n_available) OVER (PARTITION BY run, region) AS n_smallest,
        sum(n_available) OVER (PARTITION BY run, region) AS n_total
    FROM available
), required AS (
    SELECT measured.*, strategy.sampler, strategy.strategy,
        CASE strategy.strategy
            WHEN 'smallest' THEN n_smallest
            WHEN 'constant' THEN strategy.count
            WHEN 'percent' THEN floor(0.5 + strategy.percent * n_available)
            WHEN 'total' THEN floor(0.5 + strategy.total * (n_available / n_total))
            WHEN 'byclass' THEN coalesce(wanted_class.n_wanted, 0)
            WHEN 'all' THEN n_available
        END::BIGINT AS n_required
    FROM measured
    JOIN strategy ON strategy.region = measured.region
    LEFT JOIN wanted_class
        ON wanted_class.region = measured.region AND wanted_class.class_code = measured.class_code
)
SELECT run, region, class_code, sampler, strategy, n_available, n_required,
    least(n_required, n_available) AS n_drawn, least(n_required, n_available) / n_available AS rate
FROM required
ORDER BY run, region, class_code;
