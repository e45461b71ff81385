"""Dask clusters that i2db starts itself: processes of this machine, or jobs of Slurm and PBS."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from i2db.errors import ConfigError

#: What a job gets where the configuration does not say: bytes, and HH:MM:SS.
JOB_MEMORY = 4_000_000_000
JOB_WALLTIME = "04:00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Jobs of a batch system, one worker each.

    Attributes:
        system: Slurm or PBS.
        n_jobs: how many at a time.
        memory: bytes of each.
        walltime: longest time of a job, HH:MM:SS; a job that ends is followed by another.
        queue, account: as the system names them; None for its defaults.
        directives: further lines for the head of the job script, e.g. "--constraint=ssd".
        folder: where job scripts and logs go.
    """

    system: Literal["Slurm", "PBS"]
    n_jobs: int
    memory: int
    walltime: str
    queue: str | None
    account: str | None
    directives: tuple[str, ...]
    folder: Path


def quiet_dask() -> None:
    """Settings that hold for all clusters; before distributed is imported, as it reads them then."""
    import dask

    dask.config.set(
        {
            # A worker that dies is our business (once more, with less memory), not Dask's.
            "distributed.scheduler.allowed-failures": 0,
            # One task per worker: what dies with a worker is the task that killed it, and no other that waited there.
            "distributed.scheduler.worker-saturation": 1.0,
            "distributed.comm.timeouts.connect": "60s",
            "logging.distributed": "critical",
        }
    )


def local_cluster(n_workers: int) -> Any:
    """Processes of this machine, one thread each."""
    quiet_dask()
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        memory_limit=0,
        silence_logs=logging.CRITICAL,
    )


def job_cluster(jobs: Jobs) -> Any:
    """Jobs of a batch system, asked for and not yet running; `job_script()` of it shows what is submitted.

    Raises:
        ConfigError: dask-jobqueue is not installed.
    """
    quiet_dask()
    try:
        import dask_jobqueue
    except ImportError as error:
        raise ConfigError(
            f"{jobs.system} needs the package dask-jobqueue", hint="install i2db with its extra: i2db[jobqueue]"
        ) from error
    kind: Any = getattr(dask_jobqueue, {"Slurm": "SLURMCluster", "PBS": "PBSCluster"}[jobs.system])
    logs = jobs.folder / "jobs"
    logs.mkdir(parents=True, exist_ok=True)
    cluster = kind(
        cores=1,
        processes=1,
        memory=f"{jobs.memory / 1e9:.3f} GB",
        walltime=jobs.walltime,
        queue=jobs.queue,
        account=jobs.account,
        job_extra_directives=list(jobs.directives),
        log_directory=str(logs),
        worker_extra_args=["--lifetime", f"{lifetime(jobs.walltime)}s"],
        scheduler_options={"dashboard_address": ":0"},
    )
    # Jobs that end are followed by others for as long as the cluster is there.
    cluster.adapt(minimum_jobs=jobs.n_jobs, maximum_jobs=jobs.n_jobs)
    return cluster


def lifetime(walltime: str) -> int:
    """Seconds after which a worker leaves by itself, between two tasks, before its job is cut off."""
    hours, minutes, seconds = (int(part) for part in walltime.split(":"))
    whole = 3600 * hours + 60 * minutes + seconds
    return max(whole - 300, whole // 2, 1)
