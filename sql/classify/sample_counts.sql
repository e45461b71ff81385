-- How many of the pixels that each model was to learn lie on each tile.
SELECT selection.run, selection.region AS model, pixel.tile, count(*) AS n
FROM selection JOIN labelled_pixel AS pixel USING (sample_id)
GROUP BY ALL
ORDER BY ALL;
