"""`i2db config`: examples, migration and schema of configuration files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Configuration files: an example, iota2's made new, the JSON Schema.", no_args_is_help=True)


@app.command("example")
def example() -> None:
    """Print a complete commented configuration.

    Example: i2db config example > config.cfg
    """
    from i2db.config.example import example_cfg

    typer.echo(example_cfg())


@app.command("migrate")
def migrate(
    old: Annotated[Path, typer.Argument(help="A configuration of iota2 or i2db.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; not given: standard output.")
    ] = None,
) -> None:
    """Rewrite a configuration as TOML in the present spelling.

    Example: i2db config migrate old.cfg -o new.toml
    """
    from i2db.config.example import migrate as rewrite
    from i2db.files import write_whole

    text = rewrite(old)
    if output is None:
        typer.echo(text)
        return
    write_whole(output, text)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the configuration.

    Example: i2db config schema > config.schema.json
    """
    import json

    from i2db.config.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
