-- The chunks that each model's samples lie in, those of the regions that it gets copies from included.
WITH drawn AS (
    SELECT DISTINCT selection.run, selection.region, unit(pixel.tile, pixel.chunk) AS unit
    FROM selection JOIN labelled_pixel AS pixel USING (sample_id)
), rule AS (
    SELECT unnest($copies::STRUCT(
        source VARCHAR, destination VARCHAR, class_code INTEGER, quantity BIGINT)[], recursive := true)
)
SELECT run, region, unit FROM drawn
UNION
SELECT drawn.run, rule.destination AS region, drawn.unit FROM drawn JOIN rule ON rule.source = drawn.region
ORDER BY ALL;
