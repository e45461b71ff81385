"""Where tasks run: in this process, or on a Dask cluster. Results come back as they finish; nothing is dropped."""

from __future__ import annotations

import itertools
import os
import resource
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from i2db.chain.cluster import Jobs, job_cluster, local_cluster, quiet_dask
from i2db.chain.task import Failure, Outcome, Task, WorkContext
from i2db.errors import ConfigError, DiskFullError, I2dbError, StageError
from i2db.store.parts import Part

Work = Callable[[Task, WorkContext], Part]

#: Memory assumed for a worker where nobody says, as a share of what the machine has free.
MEMORY_SHARE = 0.6

#: What a process takes before it does anything: Python with its libraries (bytes, measured on Linux).
PROCESS_MEMORY = 350_000_000

#: Share of the memory that the database may use while workers are busy; the rest is theirs.
DATABASE_SHARE = 0.25

#: Seconds to wait for the first worker of a scheduler that is given by address.
WORKER_PATIENCE = 60


class Executor(Protocol):
    """Takes tasks, yields outcomes in the order they finish."""

    def run(self, work: Work, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Run all tasks."""

    def close(self) -> None:
        """Give back what it holds."""


def execute(work: Work, task: Task, context: WorkContext, attempt: int = 1) -> Outcome:
    """Run one task and measure it; an error becomes a Failure with a message for a person."""
    started_at, wall, cpu = time.time(), time.perf_counter(), time.process_time()
    part: Part | None = None
    failure: Failure | None = None
    try:
        part = work(task, context)
    except I2dbError as error:
        hopeless = isinstance(error, DiskFullError)
        failure = Failure(message=str(error), is_hopeless=hopeless, details=traceback.format_exc())
    except MemoryError:
        failure = Failure(message="not enough memory", worker_died=True, details=traceback.format_exc())
    except Exception as error:  # noqa: BLE001 - a worker returns what went wrong, it never raises through the pool
        failure = Failure(
            message=f"{type(error).__name__}: {error} (a fault in i2db: --debug shows where)",
            details=traceback.format_exc(),
        )
    return Outcome(
        task=task,
        part=part,
        failure=failure,
        attempt=attempt,
        started_at=started_at,
        wall_seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
        peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def available_memory() -> int:
    """Bytes of memory that are free on this machine."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(slots=True)
class InProcess:
    """One task after the other, in this process (iota2's `debug`)."""

    context: WorkContext

    def run(self, work: Work, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Run all tasks in their order."""
        for task in tasks:
            outcome = execute(work, task, self.context)
            if outcome.failure is not None and outcome.failure.worker_died:
                outcome = execute(work, task, _halved(self.context), 2)
            yield outcome

    def close(self) -> None:
        """Nothing is held."""


@dataclass(slots=True)
class DaskExecutor:
    """Tasks on a Dask cluster: one that is started when the first task comes, or one that runs at an address."""

    context: WorkContext
    n_workers: int
    start: Callable[[], Any] | None = None
    address: str | None = None
    _client: Any = field(default=None, repr=False)
    _cluster: Any = field(default=None, repr=False)

    def _connect(self) -> Any:
        if self._client is None:
            quiet_dask()
            from distributed import Client

            if self.start is not None:
                self._cluster = self.start()
            try:
                self._client = Client(self._cluster or self.address, set_as_default=False)
            except OSError as error:
                raise ConfigError(
                    f"no Dask scheduler answers at {self.address}: {error}",
                    hint="execution.scheduler_address names one that runs, e.g. tcp://node1:8786",
                ) from error
            self._wait_for_workers()
        return self._client

    def _wait_for_workers(self) -> None:
        """A StageError where a scheduler has no worker to give tasks to; jobs of a batch system may queue for long."""
        if self.start is None:
            try:
                self._client.wait_for_workers(1, timeout=WORKER_PATIENCE)
            except TimeoutError as error:
                raise StageError(
                    f"the Dask scheduler at {self.address} has no worker", hint="start some: dask worker ADDRESS"
                ) from error

    def _n_slots(self) -> int:
        """How many tasks may be under way: one per thread of the workers there are now."""
        n_threads = sum(int(n) for n in self._client.nthreads().values())
        return max(1 if self.start is None else self.n_workers, n_threads)

    def run(self, work: Work, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Run all tasks; one whose worker died is given once more, with half the memory."""
        client = self._connect()
        from distributed import as_completed

        waiting = iter(tasks)
        owners: dict[str, tuple[Task, int]] = {}

        def submit(task: Task, context: WorkContext, attempt: int) -> Any:
            future = client.submit(execute, work, task, context, attempt, pure=False, retries=0)
            owners[future.key] = (task, attempt)
            return future

        # As many tasks are under way as there are workers: the scheduler never holds the inputs of thousands.
        first = [submit(task, self.context, 1) for task in itertools.islice(waiting, self._n_slots())]
        queue = as_completed(first, loop=client.loop)
        for future in queue:
            task, attempt = owners.pop(future.key)
            outcome = _outcome(future, task, attempt)
            if outcome.failure is not None and outcome.failure.worker_died and attempt == 1:
                queue.add(submit(task, _halved(self.context), 2))
                continue
            for following in itertools.islice(waiting, max(0, self._n_slots() - len(owners))):
                queue.add(submit(following, self.context, 1))
            yield outcome

    def close(self) -> None:
        """Close the client, and the cluster if it is ours."""
        if self._client is not None:
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()
        self._client = self._cluster = None


def _halved(context: WorkContext) -> WorkContext:
    """The same, with half the memory: smaller windows inside the task, the same result."""
    return replace(context, memory=context.memory // 2)


def _outcome(future: Any, task: Task, attempt: int) -> Outcome:
    """The outcome of a finished future; a worker that died is a failure like any other."""
    if future.status == "finished":
        result = future.result()
        if isinstance(result, Outcome):
            return result
    error = future.exception() if future.status == "error" else None
    kind = type(error).__name__
    died = kind == "KilledWorker" or error is None
    message = (
        "its worker process died (killed by the system for want of memory, or by hand)" if died else f"{kind}: {error}"
    )
    return Outcome(
        task=task, failure=Failure(message=message, worker_died=died), attempt=attempt, started_at=time.time()
    )


@dataclass(slots=True)
class LocalExecutor:
    """Processes of this machine; a single task has the machine for itself and needs none."""

    context: WorkContext
    n_workers: int
    _dask: DaskExecutor | None = None

    def run(self, work: Work, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Run all tasks."""
        if len(tasks) > 1:
            if self._dask is None:
                self._dask = DaskExecutor(self.context, self.n_workers, partial(local_cluster, self.n_workers))
            return self._dask.run(work, tasks)
        n = self.n_workers
        alone = replace(self.context, n_threads=self.context.n_threads * n, memory=self.context.memory * n)
        # Where there are processes already it runs in one of them: if it dies the coordinator lives.
        if self._dask is not None:
            return replace(self._dask, context=alone).run(work, tasks)
        return InProcess(alone).run(work, tasks)

    def close(self) -> None:
        """Stop the processes."""
        if self._dask is not None:
            self._dask.close()


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How much of the memory is whose, in bytes, beside what every process takes before it does anything."""

    database: int
    worker: int

    @classmethod
    def of(cls, total: int, n_workers: int) -> MemoryPlan:
        """Share out `total` bytes among the coordinator with its database, and the workers.

        Where it is too little for the processes themselves, they work with a quarter of it all the same.
        """
        usable = max(total - PROCESS_MEMORY * (n_workers + 1), total // 4)
        return cls(database=int(usable * DATABASE_SHARE), worker=int(usable * (1 - DATABASE_SHARE)) // n_workers)


def make_executor(
    root: Path,
    *,
    scheduler: str | None = None,
    n_workers: int | None = None,
    memory: int | None = None,
    address: str | None = None,
    jobs: Jobs | None = None,
) -> Executor:
    """The executor for a configuration.

    Args:
        root: folder of the parts.
        scheduler: `debug`, `localCluster`, or None for the default: a local cluster where there is more than one core.
        n_workers: processes; None for one per core.
        memory: bytes for database and workers together; None for a share of what is free.
        address: address of a Dask scheduler that runs already.
        jobs: jobs of a batch system.
    """
    if jobs is not None:
        context = WorkContext(root=root, memory=max(jobs.memory - PROCESS_MEMORY, jobs.memory // 4))
        return DaskExecutor(context, jobs.n_jobs, partial(job_cluster, jobs))
    cores = available_cores()
    workers = n_workers or cores
    total = memory or int(available_memory() * MEMORY_SHARE)
    plan = MemoryPlan.of(total, workers)
    if address is not None:
        return DaskExecutor(WorkContext(root=root, memory=plan.worker), workers, address=address)
    if scheduler == "debug" or workers == 1:
        alone = MemoryPlan.of(total, 1).worker
        return InProcess(WorkContext(root=root, memory=alone, n_threads=cores if n_workers is None else workers))
    context = WorkContext(root=root, memory=plan.worker, n_threads=max(1, cores // workers))
    return LocalExecutor(context, workers)
