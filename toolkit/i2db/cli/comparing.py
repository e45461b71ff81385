"""`i2db compare` and `diff`: projects side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from i2db.cli.output import Format, OutputOption, format_of, show_table, table
from i2db.errors import ConfigError

SectionOption = Annotated[str | None, typer.Option("--section", help="Only this section; csv and parquet need one.")]
FormOption = Annotated[
    Format | None,
    typer.Option("--format", "-f", help="How to print the rows; not given: by the suffix of --output, else table."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("compare")(compare)
    app.command("diff")(diff)


def compare(
    folders: Annotated[list[Path], typer.Argument(help="Output folders; the others are held against the first.")],
    section: SectionOption = None,
    form: FormOption = None,
    output: OutputOption = None,
    figure: Annotated[Path | None, typer.Option(help="Draw accuracy and F-scores as PNG.")] = None,
) -> None:
    """Set projects side by side: configuration, samples, accuracy, paired differences, cost.

    Sections: configuration, samples, accuracy, classes, paired, cost.

    Example: i2db compare out_*/ --section accuracy
    """
    from i2db.comparison.compare import SECTIONS
    from i2db.comparison.compare import compare as compared

    check_section(section, SECTIONS)
    form = form or format_of(output)
    sections = compared(folders)
    show_sections(sections, SECTIONS, section, form, output)
    if figure is not None:
        from i2db.report.comparison import comparison_figure

        comparison_figure(figure, sections["accuracy"], sections["classes"])
        typer.echo(f"figure: {figure}", err=True)


def diff(
    before: Annotated[Path, typer.Argument(help="Output folder of a project.")],
    now: Annotated[Path, typer.Argument(help="Output folder of the other project.")],
    section: SectionOption = None,
    form: FormOption = None,
    output: OutputOption = None,
) -> None:
    """Say what changed from one project to another: configuration, samples, predictions, areas on the map.

    Sections: configuration, polygons, splits, candidates, selections, features, predictions, relabelled, map, areas.

    Example: i2db diff out out_ratio_70
    """
    from i2db.comparison.diff import SECTIONS
    from i2db.comparison.diff import diff as difference

    check_section(section, SECTIONS)
    form = form or format_of(output)
    show_sections(difference(before, now), SECTIONS, section, form, output)


def check_section(section: str | None, titles: Mapping[str, str]) -> None:
    """ConfigError unless a section is one of those there are."""
    if section is not None and section not in titles:
        raise ConfigError(f"there is no section {section}", hint="it is one of " + ", ".join(titles))


def show_sections(
    sections: Mapping[str, Sequence[Mapping[str, Any]]],
    titles: Mapping[str, str],
    section: str | None,
    form: Format | None,
    output: Path | None,
) -> None:
    """One section in any format; all of them as text with headings, or as one JSON object."""
    form = form or format_of(output)
    if section is not None and (sections[section] or form is not Format.TABLE):
        rows = sections[section]
        show_table(list(dict.fromkeys(name for row in rows for name in row)), rows, form, output)
        return
    if section is None and form in (Format.CSV, Format.PARQUET):
        raise ConfigError(f"{form} holds one table", hint="name it with --section: " + ", ".join(titles))
    if form is Format.JSON:
        text = json.dumps(sections, indent=1, ensure_ascii=False, default=str) + "\n"
    else:
        named = sections if section is None else {section: sections[section]}
        text = "\n".join(f"{titles[name]}\n\n{_text(rows)}" for name, rows in named.items())
    if output is None:
        typer.echo(text, nl=False)
    else:
        from i2db.files import write_whole

        write_whole(output, text)


def _text(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "(none)\n"
    names = list(rows[0])
    if len(rows) == 1 and len(names) > 8:
        return table(("what", "content"), list(rows[0].items()))
    return table(names, [[row[name] for name in names] for row in rows])
