"""What the commands do with a project: run the chain, plan it, make the database again."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2db.chain.cluster import JOB_MEMORY, JOB_WALLTIME, Jobs
from i2db.chain.executor import (
    MEMORY_SHARE,
    PROCESS_MEMORY,
    Executor,
    MemoryPlan,
    Work,
    available_cores,
    available_memory,
    make_executor,
)
from i2db.chain.names import CONFIG_NAME, DATABASE_NAME
from i2db.chain.plan import plan
from i2db.chain.project import Project
from i2db.chain.run import Progress, run
from i2db.chain.stage import Stage
from i2db.chain.task import Outcome, Reason, Tally, Task
from i2db.config.reader import canonical
from i2db.config.toml import write_toml
from i2db.errors import ConfigError, ContractError, StageError
from i2db.files import write_whole
from i2db.report.nomenclature import read_nomenclature
from i2db.stages.chain import all_stages, chain_of, chosen_steps
from i2db.store.audit import audit

if TYPE_CHECKING:
    from i2db.config.model import Config
    from i2db.config.reader import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a run left: counts, notes for a person, findings, and where the results lie."""

    tally: Tally
    notes: tuple[str, ...]
    n_findings: int
    results: tuple[tuple[str, Path], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan as rows: one per stage, one per task, the links between stages, and notes."""

    rows: list[dict[str, Any]]
    explained: list[dict[str, Any]]
    links: list[tuple[str, str]]
    notes: tuple[str, ...]


@contextmanager
def _executor(config: Config, root: Path, memory: int) -> Iterator[Executor]:
    execution = config.execution
    executor = make_executor(
        root,
        scheduler=execution.scheduler_type,
        n_workers=execution.nb_parallel_tasks,
        memory=memory,
        address=execution.scheduler_address,
        jobs=_jobs(config, root.parent),
    )
    try:
        yield executor
    finally:
        executor.close()


def _memory(config: Config) -> int:
    """Bytes that database and workers may use together: as configured, else a share of what is free."""
    execution = config.execution
    n_workers = execution.nb_parallel_tasks or available_cores()
    return execution.total_memory(n_workers) or int(available_memory() * MEMORY_SHARE)


def _database_memory(config: Config, memory: int) -> tuple[int, int]:
    """Bytes for the database while it works alone, and beside busy workers."""
    n_workers = config.execution.nb_parallel_tasks or available_cores()
    return max(memory - PROCESS_MEMORY, 0), MemoryPlan.of(memory, n_workers).database


def _jobs(config: Config, folder: Path) -> Jobs | None:
    """The jobs of a batch system that the configuration asks for."""
    execution = config.execution
    if execution.scheduler_type not in ("Slurm", "PBS") or execution.nb_parallel_tasks is None:
        return None
    return Jobs(
        system=execution.scheduler_type,
        n_jobs=execution.nb_parallel_tasks,
        memory=execution.job_memory or JOB_MEMORY,
        walltime=execution.job_walltime or JOB_WALLTIME,
        queue=execution.job_queue,
        account=execution.job_account,
        directives=execution.job_directives,
        folder=folder,
    )


def run_chain(
    loaded: Loaded,
    folder: Path,
    stages: Sequence[Stage],
    progress: Progress,
    *,
    lenders: tuple[Path, ...] = (),
    executor: Executor | None = None,
    force: bool = False,
    refresh: bool = False,
) -> Done:
    """Run stages of the chain in an output folder, then hold the audits.

    Args:
        loaded: the configuration.
        folder: output folder.
        stages: which, in their order.
        progress: is told how far it is.
        lenders: folders of parts of other projects to borrow from.
        executor: runs the tasks; None for the one that the configuration asks for.
        force: run every task, whatever is there.
        refresh: settle the dates anew.

    Raises:
        ConfigError: stages before the first are behind the configuration.
        StageError: tasks failed.
        ContractError: an audit found broken rows.
    """
    config = loaded.config
    memory = _memory(config)
    project = Project.open(config, folder, lenders=lenders, refresh=refresh)
    try:
        chain = chain_of(config)
        names = [stage.name for stage in chain]
        require_current(project, chain[: names.index(stages[0].name)])
        if (short := space_shortage(project)) is not None:
            progress.warn(short)
        _keep_configuration(config, project.folder)
        project.note_configuration()
        # Settled before it is first used, so that it is kept with the other facts.
        seed = project.random_seed
        project.facts.save()
        with nullcontext(executor) if executor else _executor(config, project.parts.root, memory) as workers:
            tally = run(project, stages, workers, progress, memory=_database_memory(config, memory), force=force)
        _hold_audits(project, stages)
        (found,) = project.database.rows("catalogue/count_findings")
        from i2db.external.told_costs import tell_costs

        costs = tell_costs(project.database.rows("catalogue/function_costs"))
        drawn = [f"random_seed {seed}"] if "split" in names else []
        notes = (*project.scene.notes, *costs, *drawn)
        return Done(tally=tally, notes=notes, n_findings=int(found["n"]), results=tuple(_results(config, folder)))
    finally:
        project.close()


def require_current(project: Project, earlier: Sequence[Stage]) -> None:
    """A ConfigError if a stage that is passed over would not be left as it is: what follows would not fit to it."""
    behind = [staged.stage.name for staged in plan(project, earlier) if not staged.is_current]
    if behind:
        raise ConfigError(
            f"the run begins after {earlier[-1].name}, but {behind[0]} has not been run with this configuration",
            hint="leave first_step out: only what has changed is run",
        )


def _hold_audits(project: Project, stages: Sequence[Stage]) -> None:
    """Hold the audits, unless they found nothing in what the tables hold already.

    Tables of a later stage that was not run may be behind those of an earlier one; then nothing can be promised.
    """
    names = [stage.name for stage in chain_of(project.config)]
    held = project.published(*names)
    is_whole = all(stage in stages for stage in all_stages() if stage.writes and project.publications(stage.name))
    if not is_whole or project.publications("audit").get("all") == held:
        return
    if broken := audit(project.database):
        listing = "; ".join(f"{name}: {n} rows" for name, n in broken.items())
        raise ContractError(f"audits found broken rows: {listing}", hint="`i2db audit` shows them")
    with project.database.transaction():
        project.database.run("catalogue/publish", stage="audit", gone=["all"], units=["all"], fingerprints=[held])


def _keep_configuration(config: Config, folder: Path) -> None:
    """Write the configuration beside the results: with the parts it is all that the database is made from."""
    text = write_toml({name: section for name, section in canonical(config).items() if section})
    write_whole(folder / CONFIG_NAME, "# What this folder was made with; `i2db run` and `rebuild` read it.\n" + text)


def space_shortage(project: Project) -> str | None:
    """A warning where the disk may be too small for the rasters of the chain, which are taken as uncompressed."""
    config, scene = project.config, project.scene
    if project.publications("mosaic"):
        return None  # the rasters are there already, or most of them
    section = config.arg_classification
    n_maps = config.arg_train.runs + section.merge_final_classifications
    # Label and confidence, those of the smoothed map, margin and entropy; in the parts, and in final/.
    of_map = 3 + len(section.uncertainty_maps) + 3 * (section.smoothing is not None)
    bytes_per_pixel = 2 * (3 + len(scene.series)) + 2 * (2 + n_maps * of_map)
    if n_copies := section.keeps_probabilities + section.has_probability_map:
        bytes_per_pixel += 2 * n_copies * n_maps * len(read_nomenclature(config.chain.nomenclature_file))
    needed = bytes_per_pixel * sum(window.n_pixels for window in scene.tiles.values())
    free = shutil.disk_usage(project.folder).free
    if needed <= free:
        return None
    return (
        f"the rasters may take up to {needed / 1e9:.1f} GB in {project.folder} (less when they compress well), "
        f"{free / 1e9:.1f} GB are free"
    )


def _results(config: Config, folder: Path) -> Iterator[tuple[str, Path]]:
    is_fused = config.arg_classification.merge_final_classifications
    map_name = "Classifications_fusion" if is_fused else "Classif_Seed_0"
    if config.builders.name == "i2_features_map":
        map_name = config.external_features.map_name
    for name, path in (
        ("map", f"final/{map_name}.tif"),
        ("report", "report.html"),
        ("accuracy", "final/RESULTS.txt"),
        ("samples", "class_statistics.csv"),
        ("database", DATABASE_NAME),
    ):
        if (folder / path).exists():
            yield name, folder / path


def plan_chain(
    loaded: Loaded,
    folder: Path,
    stages: Sequence[Stage],
    *,
    lenders: tuple[Path, ...] = (),
    refresh: bool = False,
) -> Planned:
    """What a run would do."""
    project = Project.open(loaded.config, folder, lenders=lenders, refresh=refresh, read_only=True)
    rows: list[dict[str, Any]] = []
    explained: list[dict[str, Any]] = []
    try:
        for staged in plan(project, stages):
            stage = staged.stage
            if staged.decisions is None:
                row = {
                    "stage": stage.name,
                    "to_run": "?",
                    "to_publish": "?",
                    "up_to_date": "?",
                    "why": str(Reason.UPSTREAM),
                }
                explained.append(
                    {"stage": stage.name, "unit": "(all)", "what": "decided later", "why": str(Reason.UPSTREAM)}
                )
                rows.append(row)
                continue
            pending = [d for d in staged.decisions if not d.is_current]
            to_run = [d for d in pending if d.part is None]
            reasons = Counter(str(d.reason) for d in pending)
            rows.append(
                {
                    "stage": stage.name,
                    "to_run": len(to_run),
                    "to_publish": len(pending) - len(to_run) + len(staged.retired),
                    "up_to_date": len(staged.decisions) - len(pending),
                    "why": ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items())),
                }
            )
            explained += [
                {
                    "stage": stage.name,
                    "unit": d.task.unit,
                    "what": "run" if d.part is None else "publish",
                    "why": str(d.reason),
                }
                for d in pending
            ]
            explained += [
                {"stage": stage.name, "unit": unit, "what": "take out", "why": "no longer wanted"}
                for unit in staged.retired
            ]
        notes = project.scene.notes
    finally:
        project.close()
    return Planned(rows=rows, explained=explained, links=list(_links(stages)), notes=notes)


def _links(stages: Sequence[Stage]) -> Iterator[tuple[str, str]]:
    """Pairs of stages of which the second uses what the first made."""
    for i, later in enumerate(stages):
        for earlier in stages[:i]:
            if earlier.name in later.needs or set(earlier.writes) & set(later.reads) - {"finding"}:
                yield earlier.name, later.name


@dataclass(frozen=True, slots=True)
class AdoptOnly:
    """An executor that runs nothing: what is not among the parts is missing."""

    def run(self, work: Work, tasks: Sequence[Task]) -> Iterator[Outcome]:  # noqa: ARG002
        """Refuse.

        Raises:
            StageError: always.
        """
        raise StageError(
            f"{len(tasks)} parts of stage {tasks[0].stage} are missing, or made from other inputs than there are now",
            hint="what came before is in the database; `i2db run` on this folder makes the rest anew",
        )

    def close(self) -> None:
        """Nothing is held."""


def rebuild_database(folder: Path, progress: Progress) -> Tally:
    """Make the database of an output folder again: the parts are adopted, and only the SQL runs.

    Raises:
        ConfigError: the folder holds no project.
        StageError: parts are missing; the database holds what came before them.
    """
    from i2db.config.reader import load
    from i2db.store.database import Database
    from i2db.zonal.project import refill

    path = folder / CONFIG_NAME
    if not path.is_file():
        raise ConfigError(f"{folder} holds no {CONFIG_NAME}: it is not the output folder of a run")
    loaded = load(path)
    database = folder / DATABASE_NAME
    kept = database.with_suffix(".duckdb.old")
    if database.exists():
        # A run that is under way stops us here. An older database that was put aside before is the better one.
        Database.check_unlocked(database)
        if kept.exists():
            database.unlink()
        else:
            database.replace(kept)
        Path(f"{database}.wal").unlink(missing_ok=True)
    done = run_chain(loaded, folder, chosen_steps(loaded.config, from_start=True), progress, executor=AdoptOnly())
    with Database.open(database) as rebuilt:
        refill(rebuilt, folder)
    kept.unlink(missing_ok=True)
    return done.tally
