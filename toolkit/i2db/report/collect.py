"""The report of a project, from its database and the maps beside it: evaluate and `i2db report` write it so."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2db import __version__
from i2db.config.defaults import defaults_of
from i2db.errors import ConfigError
from i2db.files import write_whole
from i2db.projection import spoken
from i2db.report import accuracy, derived, failures, importance, made, seen
from i2db.report.drawing import write_png
from i2db.report.figures import confusion_figure
from i2db.report.html import Report, Section, figures_of, report_html
from i2db.report.intervals import interval_rows
from i2db.report.matrix import Confusion, confusions_of
from i2db.report.quicklook import Whereabouts, whereabouts
from i2db.report.results import Caveats, Unseen, accuracy_notes
from i2db.report.style import LegendClass
from i2db.report.words import length, plural

if TYPE_CHECKING:
    from i2db.store.database import Database

#: Name of the report in an output folder, and of the folder of the maps.
REPORT_NAME, FINAL = "report.html", "final"

_N_PAIRS, _N_POLYGONS, _N_DATES, _N_CLOSE, _N_FINDINGS, _N_SETTINGS = 10, 20, 10, 15, 50, 10
_TITLE = "Land-cover map"
#: Tiles that the head of the report names at most.
_MOST_TILES = 6

#: Files under sql/ that the report is made from: they enter the fingerprint of stage evaluate.
REPORT_SQL = (
    "catalogue/function_costs",
    "curve/accuracy",
    "evaluate/accuracy_classes",
    "evaluate/areas",
    "evaluate/calibration",
    "evaluate/circumstances",
    "evaluate/classes",
    "evaluate/confidence_kind",
    "evaluate/configuration",
    "evaluate/confusion",
    "evaluate/confusion_before_merge",
    "evaluate/first_band",
    "evaluate/importance",
    "evaluate/intervals",
    "evaluate/outlying_dates",
    "evaluate/polygons",
    "evaluate/reliability",
    "evaluate/searches",
    "evaluate/separability",
    "evaluate/stage_times",
    "evaluate/summary",
    "evaluate/suspects",
    "evaluate/unseen",
    "evaluate/unvalidated",
    "report/confused_pairs",
    "report/facts",
    "report/finding_counts",
    "report/findings",
    "report/importance",
    "report/inputs",
    "report/legend",
    "report/maps",
    "report/profile_band",
    "report/profiles",
    "report/results",
    "report/run_accuracy",
    "report/samples",
)


def confusions(database: Database) -> list[Confusion]:
    """The matrix of every run, all over the same classes: those that occur in any."""
    return confusions_of(
        database.rows("evaluate/confusion"),
        database.rows("evaluate/polygons"),
        {row["class_code"]: str(row["class_name"]) for row in database.rows("evaluate/accuracy_classes")},
        [row["run"] for row in database.rows("report/run_accuracy")],
    )


def confusions_before_merge(database: Database) -> list[Confusion]:
    """The same class by class, where annual classes are merged."""
    return confusions_of(
        database.rows("evaluate/confusion_before_merge"),
        database.rows("evaluate/polygons"),
        {row["class_code"]: str(row["class_name"]) for row in database.rows("evaluate/classes")},
        [row["run"] for row in database.rows("report/run_accuracy")],
    )


def caveats(database: Database, *, is_resubstitution: bool) -> Caveats:
    """What the figures do not tell."""
    return Caveats(
        is_resubstitution=is_resubstitution,
        unvalidated=tuple(row["class_name"] for row in database.rows("evaluate/unvalidated")),
        unseen=tuple(Unseen(**row) for row in database.rows("evaluate/unseen")),
    )


def write_report(
    database: Database, folder: Path, *, title: str | None = None, figures: Path | None = None
) -> tuple[Path, int]:
    """Write report.html into the output folder, and its figures as PNG files; its path, and the number of figures.

    Args:
        database: of the project, at least open for reading.
        folder: output folder, with the maps in final/.
        title: of the report; not given: as configured.
        figures: folder of the figures and of the confusion matrix of each run; not given: they are not written.

    Raises:
        InputError: a map is missing.
    """
    report = collect(database, folder, title=title)
    path = folder / REPORT_NAME
    write_whole(path, report_html(report))
    n = 0
    if figures is not None:
        for figure in figures_of(report):
            write_png(figures / f"{figure.name}.png", figure.drawing)
            n += 1
        for run, confusion in enumerate(confusions(database)):
            confusion_figure(figures / f"confusion_run_{run}.png", confusion, title=f"Confusion, run {run}")
            n += 1
    return path, n


def require_evaluated(database: Database, folder: Path) -> None:
    """A ConfigError if there is nothing to report yet."""
    (row,) = database.rows("report/evaluated")
    if not row["is_evaluated"]:
        raise ConfigError(
            f"the maps of {folder} are not evaluated yet: there is nothing to report",
            hint=f"`i2db run {folder}` goes on to the validation",
        )


def collect(database: Database, folder: Path, *, title: str | None = None) -> Report:
    """All that the report shows."""
    (facts,) = database.rows("report/facts")
    legend = database.rows("report/legend")
    colors = {
        row["class_code"]: LegendClass(row["class_code"], str(row["class_name"]), seen.color_of(row))
        for row in (*legend, *database.rows("evaluate/accuracy_classes"))
    }
    runs = database.rows("report/run_accuracy")
    matrices = confusions(database)
    intervals = interval_rows(
        database.rows("evaluate/summary"), database.rows("evaluate/intervals"), [row["run"] for row in runs]
    )
    told = caveats(database, is_resubstitution=bool(facts["is_resubstitution"]))
    notes, listed = accuracy.sentences(accuracy_notes(matrices, told) if accuracy.scores_of(matrices) else [])
    configuration = database.rows("evaluate/configuration")
    labels = folder / FINAL / "Classif_Seed_0.tif"
    n_runs = int(facts["n_runs"])
    # A table of labelled series without images has no map.
    has_map = facts["n_chunks"] > 0
    return Report(
        title=title or _configured_title(configuration) or _TITLE,
        subtitle=_subtitle(facts, labels if has_map else None),
        headline=accuracy.headline(intervals, runs, is_resubstitution=bool(facts["is_resubstitution"]), notes=notes),
        map=seen.map_figure(labels, legend, n_runs=n_runs) if has_map else None,
        legend=seen.legend_entries(legend) if has_map else (),
        sections=[
            accuracy.accuracy_section(intervals, runs, listed),
            accuracy.classes_section(accuracy.scores_of(matrices), intervals, n_runs, colors),
            accuracy.confusion_section(matrices, database.rows("report/confused_pairs", n_pairs=_N_PAIRS)),
            derived.maps_section(database.rows("report/maps")),
            failures.failures_section(database.rows("evaluate/circumstances")),
            *_confidence_and_labels(database, folder if has_map else None, n_runs),
            *_what_was_seen(database, folder if has_map else None, facts, colors),
            *_models(database),
            failures.areas_section(database.rows("evaluate/areas")),
            made.samples_section(database.rows("report/samples"), n_runs, int(facts["n_regions"])),
            made.findings_section(
                database.rows("report/finding_counts"), database.rows("report/findings", n_findings=_N_FINDINGS)
            ),
            made.runs_section(
                database.rows("evaluate/stage_times"),
                database.rows("catalogue/function_costs"),
                database.rows("report/inputs"),
                database.rows("report/results"),
                _made_with(facts),
            ),
            made.settings_section(configuration, defaults_of(configuration)),
        ],
        footer=f"Made by i2db {__version__} from the database beside this file; SQL gives every figure in it.",
    )


def _confidence_and_labels(database: Database, folder: Path | None, n_runs: int) -> list[Section]:
    kind = str(database.rows("evaluate/confidence_kind")[0]["confidence_kind"])
    figure = None
    if folder is not None:
        figure = seen.confidence_figure(folder / FINAL / "Confidence_Seed_0.tif", kind=kind, n_runs=n_runs)
    return [
        failures.confidence_section(
            figure, database.rows("evaluate/reliability"), database.rows("evaluate/calibration"), kind
        ),
        failures.suspects_section(database.rows("evaluate/suspects", n_polygons=_N_POLYGONS)),
    ]


def _what_was_seen(
    database: Database, folder: Path | None, facts: Mapping[str, Any], colors: Mapping[int, LegendClass]
) -> list[Section]:
    first = database.rows("evaluate/first_band")
    outlying = str(first[0]["band"]) if first else ""
    dates = database.rows("evaluate/outlying_dates", band=outlying, n_dates=_N_DATES) if first else []
    shown = database.rows("report/profile_band")
    band, scale = (str(shown[0]["band"]), float(shown[0]["scale"])) if shown else ("", 1.0)
    profiles = database.rows("report/profiles", band=band) if shown else []
    pairs = database.rows("evaluate/separability", n_pairs=_N_CLOSE)
    validity = None if folder is None else folder / FINAL / "PixelsValidity.tif"
    return [
        seen.validity_section(validity, facts, dates, outlying),
        seen.profiles_section(profiles, band, scale, colors, pairs),
    ]


def _models(database: Database) -> list[Section]:
    return [
        importance.importance_section(database.rows("evaluate/importance"), database.rows("report/importance")),
        importance.search_section(database.rows("evaluate/searches", n_settings=_N_SETTINGS)),
        importance.curve_section(database.rows("curve/accuracy")),
    ]


def _configured_title(configuration: list[dict[str, Any]]) -> str | None:
    row = accuracy.row_of(configuration, section="chain", key="report_title")
    return json.loads(row["setting"]) if row is not None else None


def _subtitle(facts: Mapping[str, Any], labels: Path | None) -> list[str]:
    """Where, when, from what and in how many runs; without a map, from how many series."""
    runs = plural(facts["n_runs"], "run") + (
        f", {plural(facts['n_regions'], 'region')}" if facts["n_regions"] > 1 else ""
    )
    if labels is None:
        return [f"{facts['n_candidates']:,} labelled series without images, {runs}"]
    where = whereabouts(labels)
    place = f"Tiles {facts['tiles']}" if facts["n_tiles"] > 1 else f"Tile {facts['tiles']}"
    if facts["n_tiles"] > _MOST_TILES:
        place = plural(facts["n_tiles"], "tile")
    if math.isfinite(where.longitude):
        place += f": {length(where.width)} × {length(where.height)} around {_middle(where)}"
    season = "no dated images"
    if facts["n_products"]:
        season = (
            f"{_day(facts['first_date'])} to {_day(facts['last_date'])}: "
            f"{plural(facts['n_products'], 'product')} of {facts['sensors']} on {plural(facts['n_dates'], 'date')}"
        )
    pixels = f"pixels of {facts['resolution_x']:g} × {facts['resolution_y']:g} {where.unit} in {spoken(facts['crs'])}"
    return [place, season, f"{plural(facts['n_polygons'], 'polygon')} of ground truth, {runs}; {pixels}"]


def _middle(where: Whereabouts) -> str:
    return f"{_degrees(where.latitude, 'NS')} {_degrees(where.longitude, 'EW')}"


def _degrees(value: float, sides: str) -> str:
    return f"{abs(value):.3f}° {sides[0] if value >= 0 else sides[1]}"


def _day(date: datetime.date) -> str:
    return f"{date.day} {date:%B %Y}"


def _made_with(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    made_at: datetime.datetime | None = facts["made_at"]
    return [
        ("Last task ended", f"{made_at:%Y-%m-%d %H:%M} UTC" if made_at is not None else "–"),
        ("Models", str(facts["kinds"] or "–")),
        ("Random seed", str(facts["random_seed"])),
        ("Features", f"{facts['n_features']:,}"),
        ("Usable pixels of the ground truth", f"{facts['n_candidates']:,}"),
        *made.versions(),
    ]
