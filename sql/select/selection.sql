-- Draw the pixels: the first of a shuffled order (random), or evenly spaced in scan order (periodic).
DELETE FROM selection;
INSERT INTO selection BY NAME
WITH strategy AS (
    SELECT unnest($strategies::STRUCT(region VARCHAR, jitter DOUBLE, rand BIGINT)[], recursive := true)
), learnable AS (
    SELECT pixel.run, pixel.region, pixel.class_code, pixel.polygon_id, pixel.sample_id,
        quota.sampler, quota.n_available, quota.n_drawn, strategy.jitter,
        coalesce(strategy.rand, run.random_seed) AS draw_seed
    FROM learnable_pixel AS pixel
    JOIN run ON run.run = pixel.run
    JOIN quota ON quota.run = pixel.run AND quota.region = pixel.region AND quota.class_code = pixel.class_code
    JOIN strategy ON strategy.region = pixel.region
), random_rank AS (
    -- A pixel's place depends on itself only, so that 500 per class are the first half of 1000.
    SELECT run, region, sample_id, n_drawn,
        row_number() OVER (
            PARTITION BY run, region, class_code ORDER BY md5(concat_ws('|', draw_seed, run, sample_id)), sample_id
        ) AS draw_rank
    FROM learnable
    -- Only pixels that can be drawn at all are ranked: those whose hash, as a number in [0, 1), is not much above the
    -- rate. The margin is eight standard deviations and 20 pixels; an audit compares what is drawn with the quota.
    WHERE sampler = 'random' AND n_drawn < n_available
        AND ('0x' || substr(md5(concat_ws('|', draw_seed, run, sample_id)), 1, 13))::BIGINT / 4503599627370496
            < n_drawn / n_available + 8 * sqrt(n_drawn / n_available * (1 - n_drawn / n_available) / n_available)
                + 20 / n_available
), scan_rank AS (
    SELECT run, region, class_code, sample_id, n_available, n_drawn, jitter,
        row_number() OVER (PARTITION BY run, region, class_code ORDER BY polygon_id, sample_id) AS i
    FROM learnable
    WHERE sampler = 'periodic' AND n_drawn < n_available
), pick AS (
    -- With jitter the k-th pick (from 0) is row floor(k * T / N + o) + 1, o uniform in [0, min(jitter, T / N - 1)].
    SELECT run, region, class_code,
        floor(
            k * (n_available / n_drawn) + least(jitter, n_available / n_drawn - 1)
            * (('0x' || substr(md5(concat_ws('|', draw_seed, run, region, class_code, k)), 1, 13))::BIGINT / 4503599627370496)
        )::BIGINT + 1 AS i
    FROM (
        -- One row per class and pick, from the quotas: from the pixels it would be one per pixel and pick.
        SELECT quota.run, quota.region, quota.class_code, quota.n_available, quota.n_drawn, strategy.jitter,
            coalesce(strategy.rand, run.random_seed) AS draw_seed, unnest(range(quota.n_drawn)) AS k
        FROM quota
        JOIN strategy ON strategy.region = quota.region
        JOIN run ON run.run = quota.run
        WHERE quota.sampler = 'periodic' AND quota.n_drawn < quota.n_available AND strategy.jitter > 0
    )
)
SELECT run, region, sample_id FROM learnable WHERE n_drawn = n_available
UNION ALL
SELECT run, region, sample_id FROM random_rank WHERE draw_rank <= n_drawn
UNION ALL
-- Without jitter pixel i is taken iff ceil(i * N / T) > ceil((i - 1) * N / T), in integers.
SELECT run, region, sample_id FROM scan_rank
WHERE jitter = 0
    AND (i * n_drawn + n_available - 1) // n_available > ((i - 1) * n_drawn + n_available - 1) // n_available
UNION ALL
SELECT scan_rank.run, scan_rank.region, scan_rank.sample_id FROM scan_rank
JOIN pick USING (run, region, class_code, i)
ORDER BY run, region, sample_id;
