-- What the tables hold of some stages.
SELECT stage, unit, fingerprint FROM publication
WHERE list_contains($stages, stage)
ORDER BY stage, unit;
