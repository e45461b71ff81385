-- Are the errors at the edges of the polygons? Accuracy by distance to the boundary, in pixels.
SELECT run, floor(edge_distance / resolution_x)::INTEGER AS pixels_from_edge, count(*) AS n_pixels,
    count(*) FILTER (predicted_code = reference_code) / count(*) AS accuracy
FROM evaluated_pixel CROSS JOIN grid
GROUP BY ALL
ORDER BY run, pixels_from_edge;
