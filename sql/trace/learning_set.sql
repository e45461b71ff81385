-- What a model of a run learnt from, with the features in the order of the model's columns.
SELECT selection.sample_id, pixel.polygon_id, class.class_name,
    flatten(list(sample.features ORDER BY place.first_id)) AS features
FROM selection
JOIN labelled_pixel AS pixel USING (sample_id)
LEFT JOIN class USING (class_code)
JOIN sample ON sample.sample_id = selection.sample_id
JOIN (SELECT feature_group, min(feature_id) AS first_id FROM feature GROUP BY feature_group) AS place
    USING (feature_group)
WHERE selection.run = $run AND selection.region = $model
GROUP BY selection.sample_id, pixel.polygon_id, class.class_name
HAVING count(*) = (SELECT count(DISTINCT feature_group) FROM feature)
ORDER BY selection.sample_id;
