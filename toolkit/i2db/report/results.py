"""RESULTS.txt: the accuracy of a map as text, in the order of iota2's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from i2db.report.matrix import ClassScore, Confusion, Score, class_scores, map_scores, mean_counts

#: Labels and counts of the two columns that i2db adds to iota2's table.
_HEADINGS = (
    "Classes",
    "Precision mean",
    "Recall mean",
    "F-score mean",
    "Confusion max",
    "Polygons",
    "Pixels",
)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Validation pixels of a class that the model of their region never learnt: no model could get them right."""

    run: int
    region: str
    name: str
    n_polygons: int
    n_pixels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveats:
    """What the figures do not tell: polygons that learnt validate, classes never validated, classes never learnt."""

    is_resubstitution: bool = False
    unvalidated: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()


def results_text(
    confusions: Sequence[Confusion],
    caveats: Caveats = Caveats(),
    told: Sequence[str] = (),
    *,
    what: str = "One run",
) -> str:
    """The text of RESULTS.txt: mean matrix, kappa, OA and F over runs, a row per class, and what is told besides.

    One confusion per run, all over the same classes. `unvalidated` names classes that were learnt and are in no
    matrix; those of the matrix without a reference pixel in any run are added. Intervals are 95 % Student intervals
    with (runs - 1) degrees of freedom. An undefined value is "-". A single confusion is of `what`.
    """
    scores, classes = map_scores(confusions), class_scores(confusions)
    kappa, oa, f_score = scores
    lines = ["#row = reference", "#col = production", ""]
    lines += ["*********** Confusion matrix ***********", "", *_matrix_lines(confusions), ""]
    lines += [f"KAPPA : {_interval(kappa)}", f"OA : {_interval(oa)}", f"F-score mean : {_interval(f_score)}", ""]
    lines += [*_class_lines(classes), ""]
    lines += [*_explanations(len(confusions), what), *accuracy_notes(confusions, caveats)]
    lines += ["", *told] if told else []
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def _matrix_lines(confusions: Sequence[Confusion]) -> list[str]:
    names, mean = confusions[0].names, mean_counts(confusions)
    cells = [["", *names]] + [[name, *(f"{count:.2f}" for count in row)] for name, row in zip(names, mean, strict=True)]
    width = max(len(cell) for row in cells for cell in row)
    return ["".join(f"{cell.center(width)}|" for cell in row) for row in cells]


def _class_lines(classes: Sequence[ClassScore]) -> list[str]:
    rows = [
        (
            one.name,
            _interval(one.precision),
            _interval(one.recall),
            _interval(one.f_score),
            ", ".join(one.confused_with) if one.n_pixels else "-",
            "-" if one.n_polygons is None else f"{one.n_polygons:.1f}".removesuffix(".0"),
            f"{one.n_pixels:.1f}".removesuffix(".0"),
        )
        for one in classes
    ]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    text = [
        " | ".join(cell.center(width) for cell, width in zip(row, widths, strict=True)) for row in (_HEADINGS, *rows)
    ]
    return [text[0], "-" * len(text[0]), *text[1:]]


def _interval(score: Score) -> str:
    if score.mean is None:
        return "-"
    return f"{score.mean:.3f}" + (f" +- {score.half_width:.3f}" if score.half_width is not None else "")


def _explanations(n_runs: int, what: str) -> list[str]:
    """How to read the tables, a sentence per line."""
    if n_runs > 1:
        freedom = f"{n_runs - 1} degree{'s' if n_runs > 2 else ''} of freedom"
        lines = [f"Means of {n_runs} runs; +- half width of the 95 % interval, Student's t with {freedom}."]
    else:
        lines = [f"{what}: no interval."]
    lines.append("Confusion max: produced classes with most pixels of the reference class, itself included.")
    lines.append("Polygons, Pixels: validation polygons and pixels of the class, mean per run.")
    return lines


def accuracy_notes(confusions: Sequence[Confusion], caveats: Caveats) -> list[str]:
    """What a reader of the figures must not overlook, a sentence per line; none where there is nothing."""
    classes = class_scores(confusions)
    notes = []
    if caveats.is_resubstitution:
        notes.append(
            "RESUBSTITUTION: the polygons that validate also learnt; these figures say nothing about new places."
        )
    never = [
        *caveats.unvalidated,
        *(one.name for one in classes if not one.n_pixels and one.name not in caveats.unvalidated),
    ]
    if never:
        notes.append(f"Never validated (no validation polygon in any run): {', '.join(never)}.")
    single = [
        one.names[i]
        for one in confusions
        for i, n in enumerate(one.n_polygons or ())
        if n == 1 and one.names[i] not in never
    ]
    if single:
        notes.append(
            f"Validated by a single polygon in some run: {', '.join(dict.fromkeys(single))}; of its pixels none tells "
            "more than another, and there is no interval."
        )
    if caveats.unseen:
        notes.append("Wrong in the matrix, as the region's model never learnt the class:")
        notes += [
            f"  run {one.run}, region {one.region}: {one.name}, pixels: {one.n_pixels}, polygons: {one.n_polygons}"
            for one in caveats.unseen
        ]
    return notes
