-- Nothing learns that is mostly or partly of what its run leaves out.
SELECT polygon_split.run, polygon_split.polygon_id, polygon_unit.unit
FROM polygon_split
JOIN run ON run.run = polygon_split.run
JOIN polygon_unit ON polygon_unit.polygon_id = polygon_split.polygon_id AND polygon_unit.unit = run.held_out
WHERE polygon_split.split = 'learn';
