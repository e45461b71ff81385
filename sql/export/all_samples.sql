-- Every extracted pixel.
SELECT * FROM sample_wide ORDER BY sample_id;
