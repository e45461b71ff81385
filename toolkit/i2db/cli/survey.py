"""`i2db sample-design`, `evaluate`: accuracy and areas from a probability sample, and of regrouped classes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from i2db.cli.output import Format, FormatOption, show_rows, table
from i2db.errors import ConfigError

if TYPE_CHECKING:
    from i2db.accuracy.stratified import Assessment, Estimate
    from i2db.store.database import Database

MapArgument = Annotated[Path, typer.Argument(help="Output folder of a project, or a raster of class codes.")]
RunOption = Annotated[int, typer.Option(help="Run whose map of the project is meant.")]


class Answer(StrEnum):
    """The tables that an evaluation has."""

    OVERALL = "overall"
    CLASSES = "classes"
    AREAS = "areas"
    CONFUSION = "confusion"


class Allocation(StrEnum):
    """How points are shared among the classes."""

    PROPORTIONAL = "proportional"
    EQUAL = "equal"
    NEYMAN = "neyman"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("sample-design")(sample_design)
    app.command("evaluate")(evaluate)


def _open(folder: Path) -> Database:
    from i2db.chain.names import DATABASE_NAME
    from i2db.store.database import Database

    return Database.open(folder / DATABASE_NAME, read_only=True)


def _map_of(folder: Path, run: int) -> Path:
    path = folder / "final" / f"Classif_Seed_{run}.tif"
    if not path.is_file():
        raise ConfigError(
            f"there is no map of run {run} in {folder}", hint=f"{path} is looked for; run the chain first"
        )
    return path


def sample_design(
    source: MapArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="The points: a GeoPackage.")],
    target_se: Annotated[
        float | None, typer.Option(help="Standard error of the overall accuracy to aim at, e.g. 0.01.")
    ] = None,
    n_points: Annotated[int | None, typer.Option(help="Number of points, in the place of a standard error.")] = None,
    min_per_class: Annotated[int, typer.Option(help="Points that each class gets at least.")] = 50,
    allocation: Annotated[
        Allocation, typer.Option(help="By area, equal, or by area times expected deviation (neyman).")
    ] = Allocation.PROPORTIONAL,
    expected: Annotated[
        list[str],
        typer.Option(metavar="CODE=SHARE", help="Expected user's accuracy of a class; may be given several times."),
    ] = [],  # noqa: B006 - Typer reads it, nobody changes it
    expected_accuracy: Annotated[
        float | None,
        typer.Option(help="Of all other classes; not given: the precision in the project, or 0.8."),
    ] = None,
    random_seed: Annotated[int, typer.Option(help="Number that the draw starts from.")] = 0,
    run: RunOption = 0,
    form: FormatOption = Format.TABLE,
) -> None:
    """Draw a probability sample of a map for interpretation: stratified by its classes (Olofsson et al. 2014).

    Example: i2db sample-design out/ --target-se 0.02 -o points.gpkg
    """
    from i2db.survey import Design, class_names, design_sample, expected_accuracies

    guesses: dict[int, float] = {}
    names: dict[int, str] = {}
    map_path = source
    if source.is_dir():
        map_path = _map_of(source, run)
        with _open(source) as database:
            names = class_names(database)
            guesses = expected_accuracies(database, run) if expected_accuracy is None else {}
    given = _expected(expected)
    design = Design(
        target_error=target_se,
        n_points=n_points,
        least=min_per_class,
        allocation=allocation.value,
        expected=_on_map(guesses, map_path) | given,
        expected_otherwise=0.8 if expected_accuracy is None else expected_accuracy,
        random_seed=random_seed,
    )
    strata = design_sample(map_path, output, design)
    headings = ("class_code", "class_name", "n_pixels", "hectares", "expected_accuracy", "n_points")
    rows = [(one.code, names.get(one.code), one.n_pixels, one.area / 1e4, one.expected, one.n_points) for one in strata]
    show_rows(headings, rows, form)
    typer.echo(
        f"{sum(one.n_points for one in strata)} points written to {output}; fill in the field label "
        f"(without looking at stratum), then: i2db evaluate {source} --reference {output} --field label",
        err=True,
    )


def _on_map(guesses: dict[int, float], map_path: Path) -> dict[int, float]:
    """Guesses of the classes that the map has."""
    from i2db.raster.labels import class_areas, open_labels

    if not guesses:
        return {}
    with open_labels(map_path) as labels:
        present = class_areas(labels)
    return {code: share for code, share in guesses.items() if code in present}


def _expected(given: Sequence[str]) -> dict[int, float]:
    found = {}
    for text in given:
        code, _, share = text.partition("=")
        try:
            found[int(code)] = float(share)
        except ValueError as error:
            raise ConfigError(f"--expected {text}: it is a class code and a share", hint="--expected 12=0.7") from error
    return found


def evaluate(
    source: Annotated[Path | None, typer.Argument(help="Output folder of a project.")] = None,
    reference: Annotated[Path | None, typer.Option(help="Points with the class that is there in truth.")] = None,
    label_field: Annotated[
        str, typer.Option("--field", help="Field with their class: its code, its name, or what chain.label_recode has.")
    ] = "label",
    map_path: Annotated[Path | None, typer.Option("--map", help="Another raster of class codes to evaluate.")] = None,
    regroup: Annotated[
        Path | None, typer.Option(help="CSV with class_code,group_code,group_name: evaluate groups of classes.")
    ] = None,
    other: Annotated[
        int | None, typer.Option(help="Code of points that are none of the map's classes in truth: always an error.")
    ] = None,
    run: RunOption = 0,
    show: Annotated[Answer | None, typer.Option(help="Only this table.")] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Evaluate a map with reference points; or, without points, the runs of a project with regrouped classes.

    Example: i2db evaluate out/ --reference points.gpkg --field label
    """
    from i2db.report.regroup import read_grouping
    from i2db.survey import class_names, evaluate_points, label_codes

    grouping = read_grouping(regroup) if regroup is not None else None
    if reference is None:
        if source is None or grouping is None or map_path is not None:
            raise ConfigError(
                "nothing to evaluate with", hint="--reference POINTS; or an output folder and --regroup MAP.csv"
            )
        _regrouped(source, grouping, form, show)
        return
    if form is not Format.TABLE and show is None:
        raise ConfigError(f"--format {form.value} is for one table", hint="--show overall, classes, areas or confusion")
    names, recode = None, None
    if source is not None and source.is_dir():
        recode = label_codes(source)
        with _open(source) as database:
            names = class_names(database)
        map_path = map_path or _map_of(source, run)
    map_path = map_path or source
    if map_path is None:
        raise ConfigError("no map to evaluate", hint="an output folder, or --map MAP.tif")
    found = evaluate_points(
        map_path, reference, label_field, names=names, recode=recode, grouping=grouping, other=other
    )
    shown = ({} if other is None else {other: "other"}) | (names or {}) | (dict(grouping.names) if grouping else {})
    for answer in [show] if show else list(Answer):
        headings, rows = _answer(found.assessment, answer, shown)
        if show is None:
            typer.echo(f"{_TITLES[answer]}\n")
            typer.echo(table(headings, rows))
        else:
            show_rows(headings, rows, form)
    for note in found.notes:
        typer.echo(note, err=True)


_TITLES = {
    Answer.OVERALL: "Overall accuracy, with its standard error and the half width of its 95 % interval",
    Answer.CLASSES: "User's and producer's accuracy (+-: half width of the 95 % interval)",
    Answer.AREAS: "Areas in hectares: as mapped, and corrected for the errors of the map (+-: as above)",
    Answer.CONFUSION: "Points by class on the map (rows) and in truth (columns)",
}


def _answer(found: Assessment, answer: Answer, names: dict[int, str]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    labels = [names.get(code) for code in found.codes]
    headings: tuple[str, ...]
    if answer is Answer.OVERALL:
        one = found.overall
        row = (one.value, one.standard_error, one.half_width, int(found.counts.sum()))
        return ("overall_accuracy", "standard_error", "half_width", "n_points"), [row]
    if answer is Answer.CLASSES:
        headings = ("class_code", "class_name", "n_map", "n_reference", "user", "user_half_width")
        headings += ("producer", "producer_half_width")
        on_map, in_truth = found.counts.sum(axis=1).tolist(), found.counts.sum(axis=0).tolist()
        return headings, [
            (code, labels[i], on_map[i], in_truth[i], *_pair(found.user[i]), *_pair(found.producer[i]))
            for i, code in enumerate(found.codes)
        ]
    if answer is Answer.AREAS:
        headings = ("class_code", "class_name", "mapped", "corrected", "standard_error", "half_width")
        return headings, [
            (code, labels[i], found.mapped[i] / 1e4, *(_hectares(v) for v in _triple(found.area[i])))
            for i, code in enumerate(found.codes)
        ]
    headings = ("class_code", "class_name", *(str(code) for code in found.codes))
    return headings, [(code, labels[i], *found.counts[i].tolist()) for i, code in enumerate(found.codes)]


def _pair(one: Estimate) -> tuple[float | None, float | None]:
    return one.value, one.half_width


def _triple(one: Estimate) -> tuple[float | None, float | None, float | None]:
    return one.value, one.standard_error, one.half_width


def _hectares(area: float | None) -> float | None:
    return None if area is None else area / 1e4


def _regrouped(folder: Path, grouping: Any, form: Format, show: Answer | None) -> None:
    """The runs of a project with regrouped classes: RESULTS.txt anew, or the confusions as rows."""
    from i2db.report.results import results_text
    from i2db.survey import regrouped_confusions

    if show not in (None, Answer.CONFUSION):
        raise ConfigError(f"--show {show.value if show else ''} needs --reference", hint="without it: confusion")
    with _open(folder) as database:
        confusions = regrouped_confusions(database, grouping)
    if form is Format.TABLE and show is None:
        typer.echo(results_text(list(confusions.values())), nl=False)
        return
    rows = [
        (run, one.codes[i], one.codes[j], int(one.counts[i, j]))
        for run, one in confusions.items()
        for i in range(len(one.codes))
        for j in range(len(one.codes))
    ]
    show_rows(("run", "reference_code", "predicted_code", "n_pixels"), rows, form)
