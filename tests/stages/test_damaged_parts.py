"""A bit that flips in a part is found before it reaches a map or a table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from i2db.errors import I2dbError
from i2db.simulate import Scene
from scenes import assert_same, run_scene

pytestmark = pytest.mark.slow


def flip(path: Path) -> None:
    """Turn one bit in the middle; size and name stay."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    # Written beside and renamed: the file may be a hard link that the fixture's folder shares.
    spoilt = path.with_name("spoilt")
    spoilt.write_bytes(content)
    spoilt.replace(path)


def test_a_damaged_chunk_of_the_map_is_made_again(scene: Scene, clean: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(clean, folder)
    flip(sorted((folder / "parts" / "classify").glob("*.label.tif"))[0])
    # The final map is to be made again, from chunks of which one is not what it was.
    for path in (folder / "parts" / "mosaic").glob("Classif_Seed_0*"):
        path.unlink()
    with pytest.raises(I2dbError, match="damaged") as caught:
        run_scene(scene.config, folder)
    assert "label.tif" in str(caught.value)
    run_scene(scene.config, folder)
    assert_same(clean, folder)


@pytest.mark.parametrize(
    ("stage", "kind"), [("candidate", "candidate"), ("extract", "sample"), ("classify", "prediction")]
)
def test_a_damaged_table_is_made_again(scene: Scene, clean: Path, tmp_path: Path, stage: str, kind: str) -> None:
    folder = tmp_path / "out"
    shutil.copytree(clean, folder)
    (folder / "i2db.duckdb").unlink()
    flip(sorted((folder / "parts" / stage).glob(f"*.{kind}.parquet"))[0])
    with pytest.raises(I2dbError, match="damaged") as caught:
        run_scene(scene.config, folder)
    assert f"{kind}.parquet" in str(caught.value)
    run_scene(scene.config, folder)
    assert_same(clean, folder)
