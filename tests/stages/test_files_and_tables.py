"""Files for people and the tables agree, whatever happens between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from i2db.chain import publish as publishing
from i2db.errors import ContractError, StageError
from i2db.files import checksum
from i2db.runner import rebuild_database
from i2db.simulate import Scene
from scenes import TO_MOSAIC, Quiet, run_scene

pytestmark = pytest.mark.slow


def test_files_without_their_commit_are_made_again(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run_scene(scene.config, out, stages=TO_MOSAIC)
    map_of_first = checksum(out / "final" / "Classif_Seed_0.tif")

    class CutError(Exception):
        """The process ends here."""

    original = publishing.publish

    def cut(project, stage, changed, retired):  # type: ignore[no-untyped-def]
        if stage.name != "mosaic":
            return original(project, stage, changed, retired)
        with monkeypatch.context() as patched:
            real = project.database.run

            def run(name: str, **parameters: object) -> None:
                if name == "catalogue/publish" and parameters["units"]:
                    raise CutError
                real(name, **parameters)

            patched.setattr(type(project.database), "run", lambda _, name, **p: run(name, **p))
            return original(project, stage, changed, retired)

    monkeypatch.setattr("i2db.chain.run.publish", cut)
    with pytest.raises(CutError):
        run_scene(scene.config, out, "arg_train.random_seed=7", stages=TO_MOSAIC)
    monkeypatch.undo()
    assert checksum(out / "final" / "Classif_Seed_0.tif") != map_of_first
    run_scene(scene.config, out, stages=TO_MOSAIC)
    assert checksum(out / "final" / "Classif_Seed_0.tif") == map_of_first


def test_rebuild_runs_nothing(scene: Scene, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_scene(scene.config, out, stages=TO_MOSAIC)
    (out / "i2db.duckdb").unlink()
    for manifest in (out / "parts" / "learn").glob("*.json"):
        manifest.unlink()
    quiet = Quiet()
    with pytest.raises(StageError, match="parts of stage learn are missing") as caught:
        rebuild_database(out, quiet)
    assert "`i2db run` on this folder makes the rest anew" in str(caught.value)
    assert quiet.ran == []


def test_left_over_temporaries_are_swept(scene: Scene, tmp_path: Path) -> None:
    left = tmp_path / "out" / "parts" / "extract" / ".tmp-123-a.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    run_scene(scene.config, tmp_path / "out", stages=TO_MOSAIC[:1])
    assert not left.exists()


def test_broken_rows_are_told_until_they_are_mended(scene: Scene, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("i2db.runner.audit", lambda _: {"sample_twice": 3})
        for _ in range(2):
            with pytest.raises(ContractError, match="sample_twice: 3 rows"):
                run_scene(scene.config, out, stages=TO_MOSAIC[:5])
    run_scene(scene.config, out, stages=TO_MOSAIC[:5])
