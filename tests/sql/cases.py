"""A tiny ground truth in tables, to try SQL on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from i2db.store.database import Database


def fill(
    database: Database,
    pixels: Mapping[int, int],
    classes: Mapping[int, int],
    *,
    runs: int = 1,
    random_seed: int = 0,
    regions: Mapping[int, str] | None = None,
    groups: Mapping[int, int] | None = None,
    evaluated: str = "val",
) -> None:
    """Fill run, class, region, polygon, polygon_group and candidate.

    Args:
        database: with the schema.
        pixels: number of pixels per polygon id.
        classes: class code per polygon id.
        runs: number of runs.
        random_seed: of run 0.
        regions: region per polygon id; "1" where not given.
        groups: group per polygon id; the polygon itself where not given.
        evaluated: split that is evaluated.
    """
    regions = regions or {}
    groups = groups or {}
    codes = sorted(set(classes.values()))
    database.append(
        "class",
        [{"class_code": code, "class_name": f"class {code}", "class_rank": rank} for rank, code in enumerate(codes, 1)],
    )
    names = sorted({regions.get(polygon, "1") for polygon in pixels})
    database.append("region", [{"region": name, "region_rank": rank} for rank, name in enumerate(names, 1)])
    database.append(
        "run", [{"run": run, "random_seed": random_seed + run, "evaluated_split": evaluated} for run in range(runs)]
    )
    database.append("polygon", [{"polygon_id": polygon, "class_code": code} for polygon, code in classes.items()])
    database.append(
        "polygon_group", [{"polygon_id": polygon, "group_id": groups.get(polygon, polygon)} for polygon in classes]
    )
    database.append(
        "candidate",
        [
            {
                "sample_id": polygon * 10_000 + i,
                "polygon_id": polygon,
                "region": regions.get(polygon, "1"),
                "tile": "T1",
                "chunk": 0,
                "grid_column": i,
                "grid_row": polygon,
                "n_valid": 5,
                "longest_gap": 10,
                "edge_distance": 5.0,
            }
            for polygon, n in pixels.items()
            for i in range(n)
        ],
    )


def split(database: Database, ratio: float = 0.5, *, is_split: bool = True, lone_both: bool = False) -> None:
    """Draw the split."""
    database.run("split/split", ratio=ratio, is_split=is_split, lone_both=lone_both)


def select(
    database: Database,
    strategy: str,
    *,
    wanted: Sequence[Mapping[str, object]] = (),
    models: Sequence[str] = (),
    **options: object,
) -> None:
    """Draw the pixels with one strategy for all models; where these are not given, there is one per region."""
    regions = models or [row[0] for row in database.connection.execute("SELECT region FROM region").fetchall()]
    general = {
        "sampler": "random",
        "strategy": strategy,
        "percent": 0.5,
        "count": None,
        "total": 1000,
        "jitter": 0.0,
        "rand": None,
    } | options
    strategies = [{"region": region, **general} for region in regions]
    quota = ("region", "sampler", "strategy", "percent", "count", "total")
    database.run("select/quota", strategies=[{k: s[k] for k in quota} for s in strategies], wanted_classes=list(wanted))
    database.run("select/selection", strategies=[{k: s[k] for k in ("region", "jitter", "rand")} for s in strategies])


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    """Rows of a query."""
    return database.connection.execute(query).fetchall()
