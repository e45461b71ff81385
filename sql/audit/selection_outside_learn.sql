-- Only pixels that may learn are drawn: those of learn polygons; of annual classes the previous year's.
SELECT selection.run, selection.sample_id
FROM selection
ANTI JOIN learnable_pixel
    ON learnable_pixel.run = selection.run AND learnable_pixel.region = selection.region
    AND learnable_pixel.sample_id = selection.sample_id;
