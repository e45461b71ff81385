"""How long the shipped queries, views and audits take on ten million predictions.

`python tests/bench/bench_queries.py [--pixels 1000000] [--runs 10] [--samples 60000]` fills the tables of an output
folder with made-up rows (pixels x runs predictions, half of them of validation polygons), on the disk as a run leaves
them, and times every query of examples/queries, every view and table macro (their rows counted, where they are pixels),
and every file of the folders of sql/ that answer a person (`ASKED`): the best of three, in one process, elapsed and (on
a machine that others use too, the better measure) processor seconds. `tests/sql/test_bench_queries.py` runs all of them
on few rows, and fails where one is not covered.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa

from i2db.store.database import Database
from i2db.store.statement import names, parse, text_of

REPOSITORY = Path(__file__).resolve().parents[2]

#: Folders of sql/ whose queries answer a person: reports, traces, comparisons, audits.
ASKED = ("report", "evaluate", "trace", "compare", "diff", "audit", "statistics")

#: The others: what the chain does to its tables, and what exports, applications and zonal statistics read of them.
NOT_ASKED = (
    "apps", "candidate", "catalogue", "classify", "curve", "export", "extract", "fuse", "learn", "mosaic", "previous",
    "select", "smooth", "split", "zonal",
)  # fmt: skip

#: Nobody prints views of pixels: what is asked of them is counted.
COUNTED = {
    "validation_pixel": "SELECT run, count(*), avg(confidence) FROM validation_pixel GROUP BY run",
    "evaluated_pixel": "SELECT run, count(*), avg(confidence) FROM evaluated_pixel GROUP BY run",
    "learnable_pixel": "SELECT run, class_code, count(*) FROM learnable_pixel GROUP BY ALL",
    "labelled_pixel": "SELECT region, class_code, count(*) FROM labelled_pixel GROUP BY ALL",
}

#: A query that takes longer than this many seconds is stopped.
PATIENCE = 60.0

#: Numbers that stand for draws: the same every time. A polygon has 100 pixels, a chunk 100 polygons, a tile 50 chunks.
FILL = (
    "INSERT INTO grid BY NAME SELECT 'EPSG:32631' AS crs, 10 AS resolution_x, 10 AS resolution_y",
    """INSERT INTO class BY NAME SELECT i AS class_code, 'class ' || i AS class_name, i AS class_rank
        FROM range(1, 13) t(i)""",
    "INSERT INTO region BY NAME SELECT i::VARCHAR AS region, i AS region_rank FROM range(1, 3) t(i)",
    "INSERT INTO run BY NAME SELECT i AS run, i AS random_seed, 'val' AS evaluated_split FROM range($n_runs) t(i)",
    """INSERT INTO polygon BY NAME SELECT i AS polygon_id, 1 + i % 12 AS class_code, 1e4 AS area,
        ST_SetCRS(ST_MakeEnvelope(500000 + 200 * (i % 150), 4e6 + 200 * (i // 150), 500100 + 200 * (i % 150),
            4e6 + 100 + 200 * (i // 150)), 'EPSG:32631') AS geom
        FROM range($n_pixels // 100) t(i)""",
    "INSERT INTO polygon_group BY NAME SELECT polygon_id, polygon_id AS group_id FROM polygon",
    """INSERT INTO polygon_split BY NAME SELECT run, polygon_id, (1 + polygon_id % 2)::VARCHAR AS region, class_code,
        polygon_id AS group_id, CASE WHEN (polygon_id // 12 + run) % 2 = 0 THEN 'learn' ELSE 'val' END AS split
        FROM run CROSS JOIN polygon""",
    """INSERT INTO polygon_distance BY NAME SELECT run, polygon_id, polygon_id - 12 AS nearest_polygon_id,
        polygon_id % 5000 AS distance FROM polygon_split WHERE split = 'val'""",
    """INSERT INTO candidate BY NAME SELECT
        (500000000 + i // 1000) * 1000000000 + 500000000 + i % 1000 AS sample_id,
        i // 100 AS polygon_id, (1 + i // 100 % 2)::VARCHAR AS region,
        'T' || (i // 500000) AS tile, i // 10000 % 50 AS chunk, i % 1000 AS grid_column, i // 1000 AS grid_row,
        20 + i * 7 % 31 AS n_valid, MAP {'Sentinel2': 20 + i * 7 % 31} AS n_valid_by_sensor,
        10 + i * 13 % 90 AS longest_gap, (5 + 10 * (i % 6))::FLOAT AS edge_distance
        FROM range($n_pixels) t(i)""",
    """INSERT INTO chunk BY NAME SELECT tile, chunk, 0 AS grid_column, min(grid_row) AS grid_row, 1000 AS n_columns,
        max(grid_row) - min(grid_row) + 1 AS n_rows FROM candidate GROUP BY ALL""",
    """INSERT INTO model_class BY NAME SELECT run, region, 'rf' AS kind, class_code, 1000 AS n_samples
        FROM run CROSS JOIN region CROSS JOIN class""",
    """INSERT INTO prediction BY NAME SELECT run, region, 'rf' AS kind, tile, chunk, sample_id,
        CASE WHEN sample_id % 9973 * (run + 3) % 100 < 80 THEN 1 + polygon_id % 12
            ELSE 1 + sample_id % 9973 * (run + 7) % 12 END
            AS class_code,
        (30 + sample_id % 9973 * (run + 5) % 70) / 100 AS confidence
        FROM run CROSS JOIN candidate ORDER BY tile, chunk, run, sample_id""",
    """INSERT INTO derived_prediction BY NAME SELECT NULL::INTEGER AS run, FALSE AS is_smoothed, tile, chunk, sample_id,
        CASE WHEN sample_id % 997 = 0 THEN 255 ELSE class_code END AS class_code, confidence
        FROM prediction WHERE run = 0""",
    """INSERT INTO derived_prediction BY NAME SELECT run, TRUE AS is_smoothed, tile, chunk, sample_id, class_code,
        confidence FROM prediction WHERE run = 0""",
    """INSERT INTO feature BY NAME
        SELECT 10 * d + b + 1 AS feature_id, 'sentinel2' AS feature_group, 10 * d + b + 1 AS feature_rank,
            'sentinel2_b' || b || '_' || d AS feature_name, 'sentinel2' AS sensor,
            CASE b WHEN 0 THEN 'NDVI' ELSE 'B' || b END AS band, DATE '2018-01-01' + (10 * d)::INTEGER AS date
        FROM range(24) t(d) CROSS JOIN range(10) u(b)""",
    """INSERT INTO sample BY NAME SELECT sample_id, 'sentinel2' AS feature_group, tile, chunk,
        list_transform(range(240),
            lambda k : (1000 + sample_id % 9973 * (k + 11) % 700 + 40 * (polygon_id % 12))::FLOAT)
            AS features
        FROM candidate WHERE sample_id % ($n_pixels // $n_samples) = 0""",
    """INSERT INTO selection BY NAME SELECT run, region, sample_id
        FROM run CROSS JOIN sample JOIN candidate USING (sample_id)""",
    """INSERT INTO publication BY NAME SELECT 'classify' AS stage, tile AS unit, 'f' AS fingerprint
        FROM candidate GROUP BY ALL""",
    """INSERT INTO tile BY NAME SELECT tile, row_number() OVER (ORDER BY tile) AS tile_rank
        FROM (SELECT DISTINCT tile FROM candidate)""",
    """INSERT INTO task_run BY NAME SELECT stage, unit, fingerprint, 'missing' AS reason, 'done' AS outcome,
        1 AS attempt, TIMESTAMP '2026-01-01' AS started_at, 1.0 AS wall_seconds, 1.0 AS cpu_seconds,
        500.0 AS peak_megabytes FROM publication""",
    """INSERT INTO quota BY NAME SELECT run, region, class_code, 'random' AS sampler, 'constant' AS strategy,
        count(*) AS n_available, 1000 AS n_required, 1000 AS n_drawn, 1000 / count(*) AS rate
        FROM learnable_pixel GROUP BY ALL""",
    """INSERT INTO feature_importance BY NAME SELECT run, region, 'rf' AS kind, 'impurity' AS method, feature_name,
        1 / 240 AS importance FROM run CROSS JOIN region CROSS JOIN feature""",
    """INSERT INTO class_area BY NAME SELECT run, class_code, 1000000 AS n_pixels, 1e8 AS mapped_area,
        1.1e8 AS adjusted_area, 1e8 AS lower_bound, 1.2e8 AS upper_bound FROM run CROSS JOIN class""",
    """INSERT INTO class_separability BY NAME SELECT 'sentinel2' AS sensor, date, one.class_code,
        other.class_code AS other_code, 10 AS n_features, 5000 AS n_samples, 5000 AS n_other_samples,
        one.class_code / 12 AS jeffries_matusita
        FROM (SELECT DISTINCT date FROM feature) CROSS JOIN class AS one CROSS JOIN class AS other
        WHERE one.class_code < other.class_code""",
    """INSERT INTO zone_class BY NAME SELECT 'parcels' AS zone_layer, 0 AS run, i AS zone_id, 1 AS band, class_code,
        1.0 + i % class_code AS n_pixels FROM range($n_pixels // 100) t(i) CROSS JOIN class""",
    """INSERT INTO acquisition BY NAME SELECT tile || '_' || i AS product, tile, 'sentinel2' AS sensor,
        DATE '2018-01-01' + (5 * i)::INTEGER AS date, md5(i::VARCHAR) AS fingerprint
        FROM tile CROSS JOIN range(70) t(i)""",
)


#: What queries that ask for something are asked.
GIVEN: dict[str, object] = {
    "reference": 3, "predicted": 5, "run": 1, "model": "1", "fewest": 25, "polygon_id": 120,
    "sample_id": 500000012500000000, "band": "ndvi", "class_code": 3, "feature_group": "sentinel2", "n_samples": 5000,
    "first_row": 100, "end_row": 600,
    "groups": [{"class_code": i, "group_code": i // 3} for i in range(12)],
    "n_pairs": 10, "n_polygons": 20, "n_dates": 20, "n_settings": 5, "n_findings": 50,
}  # fmt: skip


def fill(database: Database, n_pixels: int, n_runs: int, n_samples: int) -> None:
    """Fill the tables."""
    given: dict[str, object] = {"n_pixels": n_pixels, "n_runs": n_runs, "n_samples": n_samples}
    for text in FILL:
        database.connection.execute(text, asked(text, given))
    database.connection.execute("CHECKPOINT")


def asked(text: str, given: Mapping[str, object] = GIVEN) -> dict[str, object]:
    """What a text's parameters are given; KeyError for one that nothing is given for."""
    names_wanted = frozenset[str]().union(*(statement.parameters for statement in parse("query", text)))
    return {name: given[name] for name in names_wanted}


def answer(database: Database, text: str) -> pa.Table:
    """All rows of a query; it is stopped where it comes to no end."""
    stop = threading.Timer(PATIENCE, database.connection.interrupt)
    stop.start()
    try:
        return database.connection.execute(text, asked(text) or None).to_arrow_table()
    finally:
        stop.cancel()


def seconds(work: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """The best elapsed and processor time of some repeats."""
    wall, processor = [], []
    for _ in range(repeats):
        started, before = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - started)
        processor.append(time.process_time() - before)
    return min(wall), min(processor)


def queries(database: Database) -> dict[str, str]:
    """All that is timed: name and text."""
    found = {
        f"examples/queries/{path.stem}": path.read_text("utf-8")
        for path in sorted((REPOSITORY / "examples" / "queries").glob("*.sql"))
    }
    for kind, name, _ in database.table_names():
        if kind == "view":
            found[name] = COUNTED.get(name, f'FROM "{name}"')
        elif kind == "macro":
            macro = name.partition("(")[0]
            found[macro] = f"FROM {macro}($band)"
    for folder in ASKED:
        found |= {f"sql/{name}": text_of(name) for name in names(folder)}
    return found


def attach_copy(database: Database, path: Path) -> None:
    """Put a copy of the tables beside them, for the queries that compare two projects."""
    copy = path.with_suffix(".other.duckdb")
    shutil.copyfile(path, copy)
    database.attach_other(copy)


def main() -> None:
    """Fill, time, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pixels", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--database", type=Path, help="Keep the tables in this file, and use it where it is there.")
    parser.add_argument("--only", default="", help="Only queries with this in their name.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.database or Path(folder) / "i2db.duckdb"
        if not path.exists():
            with Database.open(path) as database:
                fill(database, given.pixels, given.runs, given.samples)
        with Database.open(path, read_only=True) as database:
            database.connection.execute("SET enable_progress_bar = false")
            attach_copy(database, path)
            for name, text in queries(database).items():
                if given.only in name:
                    wall, cpu = seconds(lambda text=text: answer(database, text))
                    print(f"{wall:7.2f} s {cpu:7.2f} CPU s  {name}", flush=True)


if __name__ == "__main__":
    main()
