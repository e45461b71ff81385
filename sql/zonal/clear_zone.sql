-- Take out the zones of a layer.
DELETE FROM zone WHERE zone_layer = $zone_layer;
