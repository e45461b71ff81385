-- Every candidate has one prediction per run, and nothing else has any, as soon as there are any; counted per chunk.
WITH held AS (
    SELECT candidate.tile, candidate.chunk, count(*) AS n, sum(sample_id % 1000000007) AS sum_of_ids,
        sum((sample_id % 1000000007) * (sample_id % 1000000007) % 998244353) AS sum_of_squares
    FROM candidate
    GROUP BY ALL
), expected AS (
    SELECT run.run, held.tile, held.chunk, held.n, held.sum_of_ids, held.sum_of_squares FROM run CROSS JOIN held
), found AS (
    SELECT prediction.run, prediction.tile, prediction.chunk, count(*) AS n, sum(sample_id % 1000000007) AS sum_of_ids,
        sum((sample_id % 1000000007) * (sample_id % 1000000007) % 998244353) AS sum_of_squares
    FROM prediction
    GROUP BY ALL
), broken AS MATERIALIZED (
    -- As many as expected, with the same sums of ids and of squares modulo a prime, are the same; only where they differ
    -- are pixels compared one by one.
    SELECT coalesce(expected.run, found.run) AS run, coalesce(expected.tile, found.tile) AS tile,
        coalesce(expected.chunk, found.chunk) AS chunk, coalesce(expected.n, 0) AS n_expected
    FROM expected
    FULL JOIN found ON found.run = expected.run AND found.tile = expected.tile AND found.chunk = expected.chunk
    WHERE EXISTS (FROM publication WHERE publication.stage = 'classify')
        AND (expected.n, expected.sum_of_ids, expected.sum_of_squares)
            IS DISTINCT FROM (found.n, found.sum_of_ids, found.sum_of_squares)
), compared AS (
    SELECT broken.run, broken.tile, broken.chunk, count(*) AS n,
        count(DISTINCT prediction.sample_id) AS n_pixels, count(candidate.sample_id) AS n_candidates
    FROM broken
    JOIN prediction
        ON prediction.run = broken.run AND prediction.tile = broken.tile AND prediction.chunk = broken.chunk
    LEFT JOIN candidate
        ON candidate.sample_id = prediction.sample_id AND candidate.tile = broken.tile
        AND candidate.chunk = broken.chunk
    GROUP BY ALL
)
SELECT broken.run, broken.tile, broken.chunk, broken.n_expected, coalesce(compared.n, 0) AS n_predictions,
    coalesce(compared.n_pixels, 0) AS n_pixels, coalesce(compared.n_candidates, 0) AS n_candidates
FROM broken
LEFT JOIN compared ON compared.run = broken.run AND compared.tile = broken.tile AND compared.chunk = broken.chunk;
