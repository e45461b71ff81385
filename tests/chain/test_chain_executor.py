"""Executors: every task ends exactly once, whatever becomes of its worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from toy import MEMORY, die_always, die_once, double

from i2db.chain.cluster import local_cluster
from i2db.chain.executor import (
    PROCESS_MEMORY,
    DaskExecutor,
    Executor,
    InProcess,
    LocalExecutor,
    MemoryPlan,
    available_cores,
    execute,
    make_executor,
)
from i2db.chain.task import Outcome, Task, WorkContext
from i2db.errors import InputError
from i2db.store.parts import Part


def tasks(n: int, *, dying: tuple[int, ...] = (), failing: tuple[int, ...] = ()) -> list[Task]:
    return [
        Task(
            stage="make",
            unit=f"u{i:02d}",
            fingerprint=f"f{i}",
            payload={"n": i, "fails": i in failing, "dies": i in dying},
        )
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskExecutor]:
    """Two worker processes for all tests here: they outlive those that die."""
    root = tmp_path_factory.mktemp("dask") / "parts"
    executor = DaskExecutor(WorkContext(root=root, memory=MEMORY), 2, partial(local_cluster, 2))
    yield executor
    executor.close()


@pytest.fixture
def in_process(tmp_path: Path) -> InProcess:
    return InProcess(WorkContext(root=tmp_path / "parts", memory=MEMORY))


def by_unit(outcomes: list[Outcome]) -> dict[str, Outcome]:
    assert set(Counter(outcome.task.unit for outcome in outcomes).values()) <= {1}
    return {outcome.task.unit: outcome for outcome in outcomes}


def check_mixed(executor: Executor) -> None:
    outcomes = by_unit(list(executor.run(double, tasks(9, failing=(4,)))))
    assert len(outcomes) == 9
    failed = outcomes.pop("u04")
    assert failed.part is None
    assert failed.failure is not None
    assert failed.failure.message.startswith("ValueError: no good number in u04")
    assert "Traceback" in failed.failure.details
    assert not failed.failure.worker_died
    for outcome in outcomes.values():
        assert outcome.failure is None
        assert outcome.part is not None
        assert outcome.part.unit == outcome.task.unit
        assert outcome.attempt == 1
        assert outcome.peak_megabytes > 0
        assert outcome.wall_seconds >= 0


def test_in_process_every_task_ends_once(in_process: InProcess) -> None:
    check_mixed(in_process)


def test_no_task_no_outcome(in_process: InProcess) -> None:
    assert list(in_process.run(double, [])) == []


@pytest.mark.slow
def test_on_workers_every_task_ends_once(dask: DaskExecutor) -> None:
    check_mixed(dask)


@pytest.mark.slow
def test_a_dead_worker_is_tried_once_more_with_half_the_memory(dask: DaskExecutor) -> None:
    outcomes = by_unit(list(dask.run(die_once, tasks(6, dying=(2,)))))
    assert len(outcomes) == 6
    assert all(outcome.failure is None for outcome in outcomes.values())
    again = outcomes["u02"]
    assert again.attempt == 2
    assert again.part is not None
    assert again.part.details["memory"] == MEMORY // 2


@pytest.mark.slow
def test_a_task_that_always_kills_is_a_failure_and_the_others_end(dask: DaskExecutor) -> None:
    outcomes = by_unit(list(dask.run(die_always, tasks(6, dying=(1,)))))
    assert len(outcomes) == 6
    dead = outcomes.pop("u01")
    assert dead.failure is not None
    assert dead.failure.worker_died
    assert "worker process died" in dead.failure.message
    assert dead.attempt == 2
    assert all(outcome.failure is None for outcome in outcomes.values())


@pytest.mark.slow
def test_the_cluster_lives_on_after_deaths(dask: DaskExecutor) -> None:
    check_mixed(dask)


def test_want_of_memory_is_tried_once_more_with_half(in_process: InProcess) -> None:
    def greedy(task: Task, context: WorkContext) -> Part:
        if context.memory > MEMORY // 2:
            raise MemoryError
        return double(task, context)

    outcomes = list(in_process.run(greedy, tasks(2)))
    assert [(outcome.attempt, outcome.failure) for outcome in outcomes] == [(2, None)] * 2


def test_want_of_memory_twice_is_a_failure(in_process: InProcess) -> None:
    def insatiable(task: Task, context: WorkContext) -> Part:
        raise MemoryError

    (outcome,) = in_process.run(insatiable, tasks(1))
    assert outcome.attempt == 2
    assert outcome.failure is not None
    assert outcome.failure.message == "not enough memory"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InputError("band B2 is missing", hint="get it"), "band B2 is missing\n  hint: get it"),
        (KeyError("x"), "KeyError: 'x' (a fault in i2db: --debug shows where)"),
    ],
)
def test_errors_become_messages(tmp_path: Path, error: Exception, message: str) -> None:
    def broken(task: Task, context: WorkContext) -> Part:
        raise error

    outcome = execute(broken, tasks(1)[0], WorkContext(root=tmp_path, memory=1))
    assert outcome.failure is not None
    assert outcome.failure.message == message


def test_a_single_task_starts_no_process(tmp_path: Path) -> None:
    executor = LocalExecutor(WorkContext(root=tmp_path / "parts", memory=MEMORY, n_threads=1), 2)
    seen: list[tuple[int, int]] = []

    def look(task: Task, context: WorkContext) -> Part:
        seen.append((context.n_threads, context.memory))
        return double(task, context)

    (outcome,) = executor.run(look, tasks(1))
    executor.close()
    assert outcome.failure is None
    assert seen == [(2, 2 * MEMORY)]


@pytest.mark.parametrize(
    ("given", "kind", "memory", "threads"),
    [
        # 8 GB less 0.35 GB per process and one for the coordinator; a quarter of the rest is the database's.
        ({"scheduler": "debug", "n_workers": 4}, InProcess, 5_475_000_000, 4),
        ({"scheduler": None, "n_workers": 1}, InProcess, 5_475_000_000, 1),
        ({"scheduler": "localCluster", "n_workers": 4}, LocalExecutor, 1_171_875_000, max(1, available_cores() // 4)),
        ({"scheduler": None, "n_workers": 2}, LocalExecutor, 2_606_250_000, max(1, available_cores() // 2)),
    ],
)
def test_threads_and_memory_are_shared_out(
    tmp_path: Path, given: dict[str, Any], kind: Callable[..., Executor], memory: int, threads: int
) -> None:
    executor: Any = make_executor(tmp_path, memory=8_000_000_000, address=None, **given)
    assert isinstance(executor, kind)  # type: ignore[arg-type]
    assert (executor.context.memory, executor.context.n_threads) == (memory, threads)


def test_too_little_memory_is_shared_out_all_the_same() -> None:
    assert MemoryPlan.of(1_000_000, 2) == MemoryPlan(database=62_500, worker=93_750)


@pytest.mark.parametrize("n_workers", [1, 2, 8])
@pytest.mark.parametrize("total", [2_000_000_000, 8_000_000_000, 64_000_000_000])
def test_shares_make_no_more_than_the_whole(total: int, n_workers: int) -> None:
    plan = MemoryPlan.of(total, n_workers)
    if total > 2 * PROCESS_MEMORY * (n_workers + 1):
        assert plan.database + n_workers * plan.worker + PROCESS_MEMORY * (n_workers + 1) <= total
