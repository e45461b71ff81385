-- As many pixels are drawn as the quota says, each once.
SELECT quota.run, quota.region, quota.class_code, quota.n_drawn, coalesce(drawn.n, 0) AS n, coalesce(drawn.n_pixels, 0) AS n_pixels
FROM quota
LEFT JOIN (
    SELECT selection.run, selection.region, pixel.class_code, count(*) AS n,
        count(DISTINCT selection.sample_id) AS n_pixels
    FROM selection JOIN labelled_pixel AS pixel USING (sample_id)
    GROUP BY ALL
) AS drawn ON drawn.run = quota.run AND drawn.region = quota.region AND drawn.class_code = quota.class_code
WHERE quota.n_drawn <> coalesce(drawn.n, 0) OR coalesce(drawn.n, 0) <> coalesce(drawn.n_pixels, 0);
