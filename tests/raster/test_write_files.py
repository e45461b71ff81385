"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from i2db.errors import ContractError, StageError
from i2db.files import TEMPORARY_PREFIX, checksum, clean_temporaries, link, replacing


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail_in_a_file(path: Path, error: Exception) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half")
        temporary.with_name(f"{temporary.name}.aux.xml").write_text("beside")
        raise error


def fail_in_a_folder(path: Path, error: Exception) -> None:
    with replacing(path) as temporary:
        (temporary / "trees").mkdir(parents=True)
        (temporary / "trees" / "0.bin").write_text("half")
        raise error


def test_a_file_takes_its_name_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "table.parquet"
    with replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert temporary.parent == path.parent
        assert temporary.name.startswith(TEMPORARY_PREFIX)
        assert temporary.suffix == ".parquet"
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["table.parquet"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        fail_in_a_file(path, ZeroDivisionError())
    assert path.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "model"
    for content in ("old", "new"):
        with replacing(path) as temporary:
            (temporary / "trees").mkdir(parents=True)
            (temporary / "trees" / f"{content}.bin").write_text(content)
    assert names(path / "trees") == ["new.bin"]
    assert names(tmp_path) == ["model"]


def test_a_folder_is_removed_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        fail_in_a_folder(tmp_path / "model", ZeroDivisionError())
    assert names(tmp_path) == []


def test_companions_move_along_but_neighbours_do_not(tmp_path: Path) -> None:
    (tmp_path / "map.tif.old").write_text("a neighbour of the target")
    with replacing(tmp_path / "map.tif") as temporary:
        temporary.write_text("raster")
        temporary.with_name(f"{temporary.name}.aux.xml").write_text("statistics")
    assert names(tmp_path) == ["map.tif", "map.tif.aux.xml", "map.tif.old"]


def test_writing_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="nothing was written"), replacing(tmp_path / "x"):
        pass


def test_a_long_name_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 250 + ".tif")
    with replacing(path) as temporary:
        temporary.write_text("x")
    assert path.read_text() == "x"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_the_free_space(tmp_path: Path, code: int) -> None:
    with pytest.raises(StageError, match=r"could not write .*map\.tif.*GB free") as caught:
        fail_in_a_file(tmp_path / "map.tif", OSError(code, os.strerror(code)))
    assert caught.value.hint is not None
    assert names(tmp_path) == []


def test_other_errors_of_the_system_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "x"):
        (tmp_path / "absent").read_text()


def test_checksum_is_blake2b_of_the_content(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000  # more than two pieces of reading
    (tmp_path / "a").write_bytes(content)
    assert checksum(tmp_path / "a") == hashlib.blake2b(content, digest_size=16).hexdigest()
    damaged = bytearray(content)
    damaged[1_500_000] ^= 1
    (tmp_path / "b").write_bytes(damaged)
    assert checksum(tmp_path / "b") != checksum(tmp_path / "a")


def test_checksum_of_a_folder_knows_names_and_borders(tmp_path: Path) -> None:
    def folder(name: str, files: dict[str, str]) -> str:
        for file, content in files.items():
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(content)
        return checksum(tmp_path / name)

    original = folder("one", {"a": "xy", "sub/b": "z"})
    assert folder("same", {"sub/b": "z", "a": "xy"}) == original
    assert folder("renamed", {"a": "xy", "sub/c": "z"}) != original
    assert folder("moved", {"a": "x", "sub/b": "yz"}) != original


def test_clean_temporaries_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from i2db.files import replacing
with replacing(Path(sys.argv[1]) / "part.parquet") as temporary:
    temporary.write_text("half")
    sys.stdout.write("ready\\n"); sys.stdout.flush()
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "parts")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 5
    while not names(tmp_path / "parts") and time.monotonic() < deadline:
        time.sleep(0.01)
    (tmp_path / "parts" / "kept.parquet").write_text("whole")
    (tmp_path / "parts" / f"{TEMPORARY_PREFIX}1-model" / f"{TEMPORARY_PREFIX}2-x").mkdir(parents=True)
    assert len(names(tmp_path / "parts")) == 3
    assert clean_temporaries(tmp_path) == 2
    assert names(tmp_path / "parts") == ["kept.parquet"]
    assert clean_temporaries(tmp_path / "absent") == 0


@pytest.mark.parametrize("refused", [False, True])
def test_a_link_takes_the_place_of_an_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    if refused:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EXDEV, "another disk")))
    source, target = tmp_path / "part.tif", tmp_path / "final" / "map.tif"
    source.write_text("new")
    target.parent.mkdir()
    target.write_text("old")
    for _ in range(2):
        link(source, target)
        assert target.read_text() == "new"
        assert target.samefile(source) != refused
        assert names(target.parent) == ["map.tif"]


@pytest.mark.parametrize("refused", [False, True])
def test_a_linked_folder_takes_the_place_of_an_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    if refused:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EXDEV, "another disk")))
    (tmp_path / "lent" / "trees").mkdir(parents=True)
    (tmp_path / "lent" / "trees" / "0.bin").write_text("tree")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "old.bin").write_text("old")
    link(tmp_path / "lent", tmp_path / "own")
    assert names(tmp_path / "own") == ["trees"]
    assert (tmp_path / "own" / "trees" / "0.bin").read_text() == "tree"
    assert (tmp_path / "own" / "trees" / "0.bin").samefile(tmp_path / "lent" / "trees" / "0.bin") != refused
    assert names(tmp_path) == ["lent", "own"]


def test_a_link_to_nothing_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "map.tif").write_text("old")
    with pytest.raises(FileNotFoundError):
        link(tmp_path / "gone.tif", tmp_path / "map.tif")
    assert names(tmp_path) == ["map.tif"]
