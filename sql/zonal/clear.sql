-- Take out what a layer of zones held of a run.
DELETE FROM zone_band WHERE zone_layer = $zone_layer AND run = $run;
DELETE FROM zone_class WHERE zone_layer = $zone_layer AND run = $run;
DELETE FROM zone_moment WHERE zone_layer = $zone_layer AND run = $run;
DELETE FROM zone_number WHERE zone_layer = $zone_layer AND run = $run;
