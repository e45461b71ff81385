-- Moments over all chunks: T. F. Chan, G. H. Golub and R. J. LeVeque, The American Statistician 37 (1983), 242-247.
INSERT INTO zone_moment BY NAME
WITH piece AS (
    SELECT zone_id, band, code, chunk, n_pixels, total, squares, minimum, maximum FROM read_parquet($files)
), whole AS (
    SELECT zone_id, band, code, sum(n_pixels ORDER BY chunk) AS n_pixels,
        sum(total ORDER BY chunk) / sum(n_pixels ORDER BY chunk) AS mean,
        min(minimum) AS minimum, max(maximum) AS maximum
    FROM piece
    GROUP BY zone_id, band, code
), deviation AS (
    SELECT piece.zone_id, piece.band, piece.code,
        sum(
            piece.squares + piece.n_pixels * pow(piece.total / piece.n_pixels - whole.mean, 2) ORDER BY piece.chunk
        ) AS squares
    FROM piece
    JOIN whole
        ON piece.zone_id = whole.zone_id AND piece.band = whole.band AND piece.code IS NOT DISTINCT FROM whole.code
    GROUP BY piece.zone_id, piece.band, piece.code
)
SELECT $zone_layer AS zone_layer, $run AS run, whole.zone_id, whole.band, whole.code AS class_code,
    whole.n_pixels, whole.mean, deviation.squares, whole.minimum, whole.maximum
FROM whole
JOIN deviation
    ON whole.zone_id = deviation.zone_id AND whole.band = deviation.band AND whole.code IS NOT DISTINCT FROM deviation.code
ORDER BY whole.band, whole.code NULLS FIRST, whole.zone_id;
