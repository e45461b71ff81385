-- The pixels that each model is tested on: those of its region in polygons kept for validation, features complete.
SELECT run.run, candidate.region, candidate.sample_id, polygon.class_code,
    unit(candidate.tile, candidate.chunk) AS unit
FROM run
JOIN polygon_split ON polygon_split.run = run.run AND polygon_split.split = run.evaluated_split
JOIN candidate ON candidate.polygon_id = polygon_split.polygon_id
JOIN polygon ON polygon.polygon_id = candidate.polygon_id
WHERE candidate.sample_id IN (SELECT sample.sample_id FROM sample)
    AND candidate.sample_id NOT IN (SELECT rejection.sample_id FROM rejection)
ORDER BY run.run, candidate.region, candidate.sample_id;
