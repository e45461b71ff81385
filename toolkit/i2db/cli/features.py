"""`i2db features`: the functions whose numbers can be features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from i2db.cli.output import Format, FormatOption, show_rows


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("features")(features)


def features(
    module: Annotated[
        Path | None,
        typer.Argument(
            metavar="[MODULE|CONFIG]",
            help="Python file with functions, or a configuration (.cfg, .toml, an output folder): its functions, tried "
            "with its sensors. Not given: those that come with i2db.",
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="FUNCTION", help="Print the code of a function and stop.")
    ] = None,
    getters: Annotated[
        bool,
        typer.Option(
            "--getters", help="List what functions can ask self for; with CONFIG what there is, and its shape."
        ),
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """List functions that external_features.functions can name, each tried on a few made-up pixels.

    Example: i2db features config.cfg --getters
    """
    from i2db.external.catalogue import describe, getter_names, getters_with_shapes, source_code

    setting = raw_dates = None
    fills = False
    if module is not None and (module.is_dir() or module.suffix in (".cfg", ".toml")):
        from i2db.chain.names import CONFIG_NAME
        from i2db.config.reader import load
        from i2db.function_setting import setting_of

        # A variant's configuration still names the folder it varies.
        path, settings = (module / CONFIG_NAME, [f"chain.output_path='{module}'"]) if module.is_dir() else (module, [])
        config = load(path, settings).config
        module, fills = config.external_features.module, config.sensors_data_interpolation.fill_missing_dates
        if source is None:
            setting, raw_dates = setting_of(config)
    if source is not None:
        typer.echo(source_code(source, module), nl=False)
        return
    rows: Sequence[Mapping[str, str | int]]
    if setting is not None and raw_dates is not None and getters:
        rows = getters_with_shapes(setting, raw_dates, fills_missing_dates=fills)
    else:
        rows = getter_names() if getters else describe(module, setting)
    names = list(rows[0]) if rows else ["function"]
    show_rows(names, [[row[name] for name in names] for row in rows], form)
