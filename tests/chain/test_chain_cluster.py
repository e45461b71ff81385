"""Jobs of a batch system: what is submitted; and a Dask scheduler that runs apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from i2db.chain.cluster import Jobs, job_cluster


@pytest.mark.parametrize(
    ("system", "lines"),
    [
        (
            "Slurm",
            [
                "#SBATCH -p long",
                "#SBATCH -A forest",
                "#SBATCH -n 1",
                "#SBATCH --mem=6G",
                "#SBATCH -t 02:30:00",
                "#SBATCH --constraint=ssd",
            ],
        ),
        (
            "PBS",
            [
                "#PBS -q long",
                "#PBS -A forest",
                "#PBS -l select=1:ncpus=1:mem=6144MB",
                "#PBS -l walltime=02:30:00",
                "#PBS --constraint=ssd",
            ],
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_job_script(system: str, lines: list[str], tmp_path: Path) -> None:
    jobs = Jobs(
        system=system, n_jobs=0, memory=6 * 2**30, walltime="02:30:00", queue="long", account="forest",
        directives=("--constraint=ssd",), folder=tmp_path,
    )  # fmt: skip
    cluster = job_cluster(jobs)
    try:
        script = cluster.job_script()
    finally:
        cluster.close()
    for line in lines:
        assert line in script, script
    assert "--nthreads 1" in script
    assert (tmp_path / "jobs").is_dir()
