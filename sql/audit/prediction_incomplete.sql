-- Every candidate has one prediction per run, and nothing else has any, as soon as there are any; counted per chunk.
WITH expected AS (
    SELECT run.run, held.tile, held.chunk, held.n
    FROM run
    CROSS JOIN (SELECT candidate.tile, candidate.chunk, count(*) AS n FROM candidate GROUP BY ALL) AS held
),
found AS (
    SELECT prediction.run, prediction.tile, prediction.chunk, count(*) AS n,
        count(DISTINCT prediction.sample_id) AS n_pixels, count(candidate.sample_id) AS n_candidates
    FROM prediction
    LEFT JOIN candidate
        ON candidate.sample_id = prediction.sample_id AND candidate.tile = prediction.tile
        AND candidate.chunk = prediction.chunk
    GROUP BY ALL
)
-- Who has as many as expected, each once and each a candidate, has them all.
SELECT coalesce(expected.run, found.run) AS run, coalesce(expected.tile, found.tile) AS tile,
    coalesce(expected.chunk, found.chunk) AS chunk, coalesce(expected.n, 0) AS n_expected,
    coalesce(found.n, 0) AS n_predictions, coalesce(found.n_pixels, 0) AS n_pixels,
    coalesce(found.n_candidates, 0) AS n_candidates
FROM expected
FULL JOIN found ON found.run = expected.run AND found.tile = expected.tile AND found.chunk = expected.chunk
WHERE EXISTS (FROM publication WHERE publication.stage = 'classify')
    AND (
        coalesce(expected.n, 0) <> coalesce(found.n, 0)
        OR found.n_pixels <> found.n OR found.n_candidates <> found.n
    );
