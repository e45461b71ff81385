"""`i2db run`, `plan`, `check`, `rebuild`: the chain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from i2db.cli.output import Format, FormatOption, show_rows
from i2db.errors import ConfigError, ContractError, ExitCode

if TYPE_CHECKING:
    from i2db.config.model import Config
    from i2db.config.reader import Loaded

ConfigArgument = Annotated[Path | None, typer.Argument(help="Configuration (.cfg or .toml), or an output folder.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="The same, as iota2 writes it.", hidden=True)]
SetOption = Annotated[
    list[str], typer.Option("--set", metavar="SECTION.KEY=SETTING", help="Change a key; may be given several times.")
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Another output folder; parts of the configured one are shared where they fit."
    ),
]
WindowOption = Annotated[
    int | None, typer.Option(help="Only a square of so many pixels, where the ground truth is richest.")
]
StepOption = Annotated[int | None, typer.Option(help="Number of the first step (see --only-summary).")]
EndOption = Annotated[int | None, typer.Option(help="Number of the last step; -1 is the last of all.")]
RefreshOption = Annotated[
    bool, typer.Option("--refresh", help="Settle the dates anew from the products there are now.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (run, plan, check, rebuild):
        app.command(command.__name__)(command)


def run(
    config: ConfigArgument = None,
    config_option: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - Typer reads it, nobody changes it
    output: OutOption = None,
    window: WindowOption = None,
    starting_step: StepOption = None,
    ending_step: EndOption = None,
    only_summary: Annotated[bool, typer.Option("--only-summary", help="Print the steps and stop.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Run every task, whatever is there.")] = False,
    restart: Annotated[  # noqa: ARG001 - every run goes on from what is there
        bool, typer.Option("--restart", hidden=True, help="iota2's: what every run does.")
    ] = False,
    refresh: RefreshOption = False,
    scheduler_type: Annotated[
        str | None, typer.Option(help="debug, localCluster, or cluster with --scheduler-address.")
    ] = None,
    scheduler_address: Annotated[str | None, typer.Option(help="Address of a running Dask scheduler.")] = None,
    nb_parallel_tasks: Annotated[int | None, typer.Option(help="Tasks at a time; not given: one per core.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory for all tasks together, e.g. 2GB.")] = None,
) -> None:
    """Bring everything up to date: tables, models, maps, accuracy.

    Example: i2db run config.cfg --set arg_train.runs=3 -o out_3_runs
    """
    from i2db.stages.chain import chosen_steps

    settings = [*set_, *_execution(scheduler_type, scheduler_address, nb_parallel_tasks, memory)]
    loaded, folder, lenders = _load(config or config_option, settings, output, window)
    chosen = chosen_steps(loaded.config, starting_step, ending_step)
    if only_summary:
        typer.echo(summary(loaded.config, [stage.name for stage in chosen]), nl=False)
        return
    from i2db.cli.progress import Bars, make_progress
    from i2db.runner import run_chain

    progress = make_progress()
    try:
        done = run_chain(loaded, folder, chosen, progress, lenders=lenders, force=force, refresh=refresh)
    finally:
        if isinstance(progress, Bars):
            progress.close()
    for line in done.notes:
        typer.echo(line, err=True)
    typer.echo(
        f"{done.tally.total('run')} tasks run, {done.tally.total('adopted')} adopted, "
        f"{done.tally.total('current')} up to date; {done.n_findings} findings"
        + (f" (i2db show {folder} finding)" if done.n_findings else ""),
        err=True,
    )
    for name, path in done.results:
        typer.echo(f"{name}: {path}")


def _execution(scheduler_type: str | None, address: str | None, n_tasks: int | None, memory: str | None) -> list[str]:
    given = {
        "scheduler_type": scheduler_type,
        "scheduler_address": address,
        "nb_parallel_tasks": n_tasks,
        "memory": memory,
    }
    return [f"execution.{key}={setting!r}" for key, setting in given.items() if setting is not None]


def _load(
    config: Path | None, settings: Sequence[str], output: Path | None, window: int | None
) -> tuple[Loaded, Path, tuple[Path, ...]]:
    """The configuration, the output folder, and the folders whose parts may be borrowed."""
    from i2db.chain.names import CONFIG_NAME
    from i2db.config.reader import load

    if config is None:
        raise ConfigError("no configuration given", hint="i2db run config.cfg; `i2db config example` prints one")
    if config.is_dir():
        # The folder itself is brought up to date: a variant's configuration still names the folder it varies.
        output, config = output or config, config / CONFIG_NAME
    if window is not None:
        settings = [*settings, f"chain.window={window}"]
    loaded = load(config, settings)
    for warning in loaded.warnings:
        typer.echo("warning: " + warning, err=True)
    configured = _shown(loaded.config.chain.output_path)
    folder = output or (configured if window is None else configured.with_name(f"{configured.name}_window_{window}"))
    lenders = (configured / "parts",) if folder.resolve() != configured.resolve() else ()
    return loaded, folder, lenders


def _shown(path: Path) -> Path:
    """A path as a person would write it: relative where it lies below the working folder."""
    absolute = path.resolve()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute


def summary(config: Config, chosen: Sequence[str]) -> str:
    """iota2's list of steps: groups, and an x where a step will run."""
    from i2db.stages.chain import chain_of

    lines = []
    group = ""
    for number, stage in enumerate(chain_of(config), start=1):
        if stage.group != group:
            group = stage.group
            lines.append(f"Group {group}:")
        mark = "x" if stage.name in chosen else " "
        lines.append(f"  [{mark}] Step {number}: {stage.name} - {stage.title}")
    return "\n".join(lines) + "\n"


def plan(
    config: ConfigArgument = None,
    config_option: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006
    output: OutOption = None,
    window: WindowOption = None,
    explain: Annotated[bool, typer.Option("--explain", help="Name every task and why it would run.")] = False,
    graph: Annotated[Path | None, typer.Option(help="Draw the execution graph as SVG.")] = None,
    refresh: RefreshOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say what a run would do, and why, without doing it.

    Example: i2db plan config.cfg --explain
    """
    from i2db.runner import plan_chain
    from i2db.stages.chain import chosen_steps

    loaded, folder, lenders = _load(config or config_option, set_, output, window)
    planned = plan_chain(loaded, folder, chosen_steps(loaded.config), lenders=lenders, refresh=refresh)
    rows = planned.explained if explain else planned.rows
    if rows or form is not Format.TABLE:
        names = list(rows[0]) if rows else []
        show_rows(names, [[row[name] for name in names] for row in rows], form)
    else:
        typer.echo("everything is up to date", err=True)
    for note in planned.notes:
        typer.echo(note, err=True)
    if graph is not None:
        from i2db.report.graph import write_graph

        write_graph(graph, planned.rows, planned.links)
        typer.echo(f"graph: {graph}", err=True)


def check(
    config: ConfigArgument = None,
    config_option: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006
    fix: Annotated[
        Path | None, typer.Option(help="Write a repaired copy of the ground truth to this file; the original stays.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Look at all inputs - configuration, products, ground truth, regions, rasters, functions - and list every problem.

    Example: i2db check config.cfg --fix ground_truth_repaired.gpkg
    """
    from dataclasses import astuple, fields

    from i2db.checks import check_inputs, write_repaired
    from i2db.finding import Finding, errors

    loaded, _, _ = _load(config or config_option, set_, None, None)
    findings = check_inputs(loaded.config)
    if findings or form is not Format.TABLE:
        names = [column.name for column in fields(Finding)]
        show_rows(names, [astuple(finding) for finding in findings], form)
    if fix is not None:
        n = write_repaired(loaded.config, fix)
        typer.echo(f"{n} polygons written to {fix}", err=True)
    n_errors = len(errors(findings))
    typer.echo(f"{n_errors} errors, {len(findings) - n_errors} warnings and notes", err=True)
    if n_errors:
        raise typer.Exit(int(ExitCode.USAGE))


def rebuild(folder: Annotated[Path, typer.Argument(help="Output folder of a project.")]) -> None:
    """Make the database again from the parts and the configuration that lie beside it.

    Example: i2db rebuild out/
    """
    from i2db.cli.progress import Lines
    from i2db.runner import rebuild_database

    tally = rebuild_database(folder, Lines())
    if tally.total("run") == 0 and tally.total("adopted") == 0:
        raise ContractError(f"nothing to rebuild in {folder}")
    typer.echo(f"database of {folder} made again: {tally.total('adopted')} parts", err=True)
