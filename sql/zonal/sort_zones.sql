-- Zones of one grid in an order in which neighbours lie together, so that a chunk reads few of them.
SELECT zone_id, wkb, column_start, column_end, row_start, row_end
FROM read_parquet($files)
ORDER BY row_start // $side, column_start // $side, zone_id;
