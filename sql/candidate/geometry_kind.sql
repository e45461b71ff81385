-- Whether the ground truth is one of points.
SELECT coalesce(bool_and(ST_GeometryType(polygon.geom) = 'POINT'), false) AS is_point FROM polygon;
