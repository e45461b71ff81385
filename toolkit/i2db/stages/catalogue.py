"""init: what there is - products, tiles, classes, ground truth, regions, features, runs - into tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task
from i2db.config.model import Config
from i2db.errors import InputError
from i2db.finding import Finding, errors, summary
from i2db.fingerprint import file_fingerprint
from i2db.folds import folds, source_of
from i2db.learn.reduction import FeatureKey
from i2db.report.nomenclature import read_colors, read_nomenclature
from i2db.report.style import default_palette
from i2db.stages.fuse import require_free_label
from i2db.stages.learning_rules import learning_rules
from i2db.stages.previous import annual_rows, check_previous, previous_folder
from i2db.vector.ground_truth import outside, read_ground_truth
from i2db.vector.regions import read_regions, sole_region

TILE_SCHEMA = pa.schema(
    [
        ("tile", pa.string()),
        ("tile_rank", pa.int32()),
        *((name, pa.int32()) for name in ("grid_column", "grid_row", "n_columns", "n_rows")),
        ("wkb", pa.binary()),
    ]
)


def _tasks(project: Project) -> Sequence[Task]:
    config, scene = project.config, project.scene
    chain = config.chain
    identity = {
        "fields": [chain.data_field, chain.polygon_id_field, chain.region_field, list(chain.excluded_classes)],
        "groups": config.arg_train.group_field,
        "units": [config.arg_train.split_by, config.arg_train.split_field] if config.arg_train.leaves_one_out else None,
        "points": chain.ground_truth_proj,
        "series": [scene.table.groups, scene.table.scale] if scene.table is not None else None,
        "runs": [config.arg_train.runs, config.arg_train.split_ground_truth, folds(config, scene.tiles)],
        "files": [
            file_fingerprint(path)
            for path in (
                chain.ground_truth,
                chain.nomenclature_path,
                chain.color_table,
                chain.region_path,
                chain.label_recode,
            )
        ],
        "grid": scene.grid.identity,
        "chunks": [
            [chunk.unit, chunk.window.column, chunk.window.row, chunk.window.n_columns, chunk.window.n_rows]
            for chunk in scene.chunks
        ],
        "products": [
            [product.tile, product.product, product.fingerprint]
            for series in scene.series
            for of_tile in series.products.values()
            for product in of_tile
        ],
        "features": feature_rows(project) if _has_models(config) else None,
        "crop_mix": _crop_mix(config),
        "findings": [finding.row(STAGE.name) for finding in scene.findings],
        "random_seed": project.random_seed,
    }
    return [STAGE.task("all", identity)]


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    scene, database = project.scene, project.database
    findings = list(scene.findings)
    # A map of features needs no ground truth: where none is configured, tables of an earlier one stay as they are.
    classes = _class_rows(project, findings) if project.config.chain.has_ground_truth else []
    annual = annual_rows(project.config, {row["class_code"]: row["class_name"] for row in classes})
    polygons = _ground_truth(project, [row["class_code"] for row in classes], findings) if classes else None
    regions = _regions(project, findings)
    if problems := errors(findings):
        raise InputError(
            f"{len(problems)} problems with the inputs:\n{summary(problems)}",
            hint="mend them, or leave the labels out with chain.excluded_classes; `i2db check` lists everything",
        )
    if _has_models(project.config):
        require_free_label(project.config, {row["class_code"]: row["class_name"] for row in classes})
        # Long before the models: files of rules that name a region or class that there is not.
        learning_rules(
            project.config,
            regions["region"].to_pylist(),
            [row["class_code"] for row in classes],
            [
                FeatureKey(row["feature_name"], row["sensor"], row["band"], row["date"] and f"{row['date']:%Y%m%d}")
                for row in feature_rows(project)
            ],
        )
        if project.config.arg_train.crop_mix:
            check_previous(project.config, scene.grid, regions["region"].to_pylist(), feature_rows(project))
    database.replace(
        "grid",
        [
            {
                "crs": scene.grid.crs,
                # A table without images has places and no pixels.
                "resolution_x": scene.grid.resolution_x if scene.chunks else None,
                "resolution_y": scene.grid.resolution_y if scene.chunks else None,
                "origin_x": scene.grid.origin_x if scene.chunks else None,
                "origin_y": scene.grid.origin_y if scene.chunks else None,
            }
        ],
    )
    if classes:
        database.replace("class", classes)
        database.replace("annual_class", annual)
    database.replace("run", _run_rows(project))
    database.replace("acquisition", _acquisition_rows(project))
    if _has_models(project.config):
        database.replace("feature", feature_rows(project))
    database.replace(
        "chunk", [{"tile": chunk.tile, "chunk": chunk.number, **_window_row(chunk.window)} for chunk in scene.chunks]
    )
    for table, rows in (("polygon", polygons), ("region", regions), ("tile", _tile_rows(project))):
        if rows is not None:
            _replace_geometries(project, table, rows)
    database.run("catalogue/clear_findings", stage=STAGE.name)
    database.append("finding", [finding.row(STAGE.name) for finding in findings])


def _replace_geometries(project: Project, table: str, rows: pa.Table) -> None:
    """Fill a table whose geometry comes as WKB."""
    project.database.connection.register("incoming_geometries", rows)
    try:
        project.database.run(f"catalogue/fill_{table}")
    finally:
        project.database.connection.unregister("incoming_geometries")


def _class_rows(project: Project, findings: list[Finding]) -> list[dict[str, Any]]:
    chain = project.config.chain
    names = read_nomenclature(chain.nomenclature_file)
    colors = read_colors(chain.color_table) if chain.color_table is not None else {}
    palette = default_palette([name.code for name in names])
    rows = []
    for rank, name in enumerate(names, start=1):
        if chain.color_table is not None and name.code not in colors:
            findings.append(
                Finding(
                    severity="warning",
                    subject="class",
                    item=f"{name.name} ({name.code})",
                    message=f"has no colour in {chain.color_table.name}",
                    remedy="given one of the default palette",
                )
            )
        red, green, blue = colors.get(name.code, palette[name.code])
        rows.append(
            {
                "class_code": name.code,
                "class_name": name.name,
                "alias": name.alias,
                "class_rank": rank,
                "red": red,
                "green": green,
                "blue": blue,
            }
        )
    return rows


def _ground_truth(project: Project, codes: Sequence[int], findings: list[Finding]) -> pa.Table:
    table, found = read_ground_truth(source_of(project.config), project.scene.grid.crs, set(codes))
    if project.config.arg_train.erode > 0 and set(table["area"].to_pylist()) == {0.0}:
        remedy = "leave it out: a point has no edge"
        found.append(
            Finding(
                severity="error",
                subject="ground truth",
                item="arg_train.erode",
                message="is set, and the ground truth is of points",
                remedy=remedy,
            )
        )
    if project.scene.table is not None:
        findings += found
        return table
    extents = [project.scene.grid.bounds(window) for window in project.scene.tiles.values()]
    findings += [*found, *outside(table, extents, project.config.chain.labelled_file)]
    return table


def _regions(project: Project, findings: list[Finding]) -> pa.Table:
    chain = project.config.chain
    if chain.region_path is None:
        return sole_region()
    table, found = read_regions(chain.region_path, chain.region_field, project.scene.grid.crs)
    findings += found
    return table


def _window_row(window: Any) -> dict[str, int]:
    return {
        "grid_column": window.column,
        "grid_row": window.row,
        "n_columns": window.n_columns,
        "n_rows": window.n_rows,
    }


def _tile_rows(project: Project) -> pa.Table:
    import shapely

    scene = project.scene
    return pa.Table.from_pylist(
        [
            {
                "tile": tile,
                "tile_rank": rank,
                **_window_row(window),
                "wkb": shapely.to_wkb(shapely.box(*scene.grid.bounds(window))),
            }
            for rank, (tile, window) in enumerate(scene.tiles.items(), start=1)
        ],
        schema=TILE_SCHEMA,
    )


def _run_rows(project: Project) -> list[dict[str, Any]]:
    train = project.config.arg_train
    evaluated = "val" if train.split_ground_truth else "learn"
    held_out = folds(project.config, project.scene.tiles) or (None,) * train.runs
    return [
        {"run": run, "random_seed": project.random_seed + run, "evaluated_split": evaluated, "held_out": name}
        for run, name in enumerate(held_out)
    ]


def _acquisition_rows(project: Project) -> list[dict[str, Any]]:
    return [
        {
            "product": product.product,
            "tile": product.tile,
            "sensor": product.sensor,
            "platform": product.platform,
            "orbit": product.orbit,
            "date": product.date,
            "acquired_at": product.time,
            "fingerprint": product.fingerprint,
        }
        for series in project.scene.series
        for of_tile in series.products.values()
        for product in of_tile
        if product.tile in project.scene.tiles
    ]


def _crop_mix(config: Config) -> list[Any] | None:
    train = config.arg_train
    if not (train.crop_mix and _has_models(config)):
        return None
    return [str(previous_folder(config)), list(train.annual_crop), train.a_crop_label_replacement]


def _has_models(config: Config) -> bool:
    """Whether features feed a model: those of a map are entered when it is written, and change nothing before it."""
    return config.builders.name != "i2_features_map"


def feature_rows(project: Project) -> list[dict[str, Any]]:
    """Rows of table `feature`: all groups, in the order in which a model takes them."""
    rows: list[dict[str, Any]] = []
    for group in project.scene.groups:
        for rank, feature in enumerate(group.features, start=1):
            rows.append(
                {
                    "feature_id": len(rows) + 1,
                    "feature_group": group.name,
                    "feature_rank": rank,
                    "feature_name": feature.name,
                    "sensor": feature.sensor,
                    "band": feature.band,
                    "date": feature.date,
                    "unit": feature.unit,
                    "scale": feature.scale,
                }
            )
    return rows


STAGE = Stage(
    name="catalogue",
    group="init",
    title="read tiles, products, classes, ground truth and regions; check them",
    reads=(),
    writes=(
        "grid",
        "class",
        "annual_class",
        "run",
        "acquisition",
        "feature",
        "chunk",
        "polygon",
        "region",
        "tile",
        "finding",
    ),
    version=2,
    sql=("catalogue/fill_polygon", "catalogue/fill_region", "catalogue/fill_tile", "catalogue/clear_findings"),
    tasks=_tasks,
    publish=_publish,
)
