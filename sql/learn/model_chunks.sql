-- The chunks that each model's samples lie in.
SELECT DISTINCT selection.run, candidate.region, unit(candidate.tile, candidate.chunk) AS unit
FROM selection JOIN candidate USING (sample_id)
ORDER BY ALL;
