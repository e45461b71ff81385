-- Which validation polygons carry the confusion between the two classes that are confused most?
WITH piece AS MATERIALIZED (
    SELECT run, polygon_id, reference_code, predicted_code, count(*) AS n_pixels, avg(confidence) AS confidence
    FROM evaluated_pixel
    WHERE predicted_code IS NOT NULL
    GROUP BY ALL
), pair AS (
    SELECT reference_code, predicted_code
    FROM piece
    WHERE reference_code <> predicted_code
    GROUP BY ALL
    ORDER BY sum(n_pixels) DESC, reference_code, predicted_code
    LIMIT 1
), size AS (
    SELECT run, polygon_id, sum(n_pixels)::BIGINT AS n_pixels FROM piece GROUP BY run, polygon_id
)
SELECT
    piece.polygon_id, piece.run, reference.class_name AS reference_name, predicted.class_name AS predicted_name,
    piece.n_pixels AS n_wrong, size.n_pixels, piece.confidence AS mean_confidence
FROM piece
JOIN pair USING (reference_code, predicted_code)
JOIN size ON size.run = piece.run AND size.polygon_id = piece.polygon_id
LEFT JOIN class AS reference ON reference.class_code = piece.reference_code
LEFT JOIN class AS predicted ON predicted.class_code = piece.predicted_code
ORDER BY n_wrong DESC, piece.polygon_id, piece.run
LIMIT 10;
