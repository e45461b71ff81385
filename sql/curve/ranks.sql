-- The place of every drawn sample within its class and model, by hash: a size is the first ones, so larger ones hold it.
SELECT selection.run, selection.region, selection.sample_id,
    row_number() OVER (
        PARTITION BY selection.run, selection.region, pixel.class_code
        ORDER BY md5(concat_ws('|', run.random_seed, selection.run, selection.sample_id)), selection.sample_id
    ) AS draw_rank
FROM selection
JOIN run USING (run)
JOIN labelled_pixel AS pixel USING (sample_id)
WHERE selection.sample_id NOT IN (SELECT rejection.sample_id FROM rejection)
ORDER BY selection.run, selection.region, selection.sample_id;
