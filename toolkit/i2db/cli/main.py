"""The command `i2db`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from i2db import __version__
from i2db.cli import (
    applications,
    comparing,
    configuration,
    data,
    features,
    reporting,
    running,
    simulation,
    survey,
    terrain,
    tracing,
    zonal,
)
from i2db.errors import ExitCode, I2dbError

app = typer.Typer(
    name="i2db",
    help="Land-cover maps from satellite image time series, with everything on the way in a geo-database.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    running,
    data,
    reporting,
    comparing,
    tracing,
    simulation,
    terrain,
    applications,
    survey,
    zonal,
    features,
):
    module.register(app)
app.add_typer(configuration.app, name="config")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"i2db {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Log every statement and show tracebacks.")] = False,
) -> None:
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s", force=True
    )
    for name in ("rasterio", "matplotlib", "numba", "distributed", "fiona", "asyncio", "PIL"):
        logging.getLogger(name).setLevel(logging.ERROR)


#: What a shell calls a program that Ctrl-C ended.
_INTERRUPTED = 130

#: iota2's long options with a single dash.
_SINGLE_DASH = (
    "config",
    "scheduler_type",
    "nb_parallel_tasks",
    "starting_step",
    "ending_step",
    "only_summary",
    "restart",
)


def normalised(arguments: Sequence[str]) -> list[str]:
    """The arguments with iota2's spelling made ours: `-config x` is `run --config x`."""
    result = []
    for argument in arguments:
        name = argument[1:].split("=")[0]
        if argument.startswith("-") and not argument.startswith("--") and name in _SINGLE_DASH:
            argument = "--" + argument[1:].replace("_", "-")
        elif argument.startswith("--"):
            head, *tail = argument.split("=", 1)
            argument = "=".join([head.replace("_", "-"), *tail])
        result.append(argument)
    # iota2 has one command and no name for it.
    start = next((i for i, argument in enumerate(result) if argument != "--debug"), 0)
    has_config = any(argument == "--config" or argument.startswith("--config=") for argument in result)
    if has_config and result[start].startswith("-"):
        result.insert(start, "run")
    return result


def main() -> None:
    """Entry point: errors become a message and an exit code, never a traceback (but with --debug)."""
    arguments = normalised(sys.argv[1:])
    try:
        code = app(args=arguments, standalone_mode=False)
    except I2dbError as error:
        if "--debug" in arguments:
            raise
        _complain(str(error))
        sys.exit(int(error.exit_code))
    except (typer.Abort, KeyboardInterrupt):
        code = _INTERRUPTED
    except Exception as error:
        # A wrong option or argument: click's exception, which newer Typers carry a copy of under their own name.
        if any(kind.__name__ == "ClickException" for kind in type(error).__mro__) and hasattr(error, "show"):
            error.show()
            sys.exit(int(ExitCode.USAGE))
        if "--debug" in arguments:
            raise
        _complain(f"{type(error).__name__}: {error}\n  hint: this is a fault in i2db; --debug shows where")
        sys.exit(int(ExitCode.TASK_FAILED))
    if code == _INTERRUPTED:
        # Typer makes an exit code of the exception, and says nothing.
        _complain("stopped: nothing is half-written, and i2db run goes on from what was done")
    sys.exit(code if isinstance(code, int) else 0)


def _complain(text: str) -> None:
    typer.secho("error: " + text, err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)
