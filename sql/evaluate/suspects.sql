-- Polygons whose label may be wrong, the surest first.
SELECT polygon_id, reference_name, suggested_name, n_runs, n_pixels, share, confidence, sure_share
FROM suspect_polygon
ORDER BY sure_share DESC, share DESC, polygon_id
LIMIT $n_polygons;
