"""Text files with faults, a database in use, a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Command

from i2db.simulate import Scene
from scenes import ask, assert_same


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wheat\n", "nomenclature.txt:1: 'wheat' is not 'name:label'"),
        ("wheat:1\nmaize:x\n", "nomenclature.txt:2"),
        ("wheat:1\nmaize:1\n", "label 1 is already used in line 1"),
        ("wheat:0\n", "outside 1 to 65535"),
        ("wheat:70000\n", "outside 1 to 65535"),
        ("", "holds no class"),
    ],
)
def test_nomenclature(i2db: Command, scene: Scene, tmp_path: Path, out: Path, text: str, message: str) -> None:
    path = tmp_path / "nomenclature.txt"
    path.write_text(text)
    answer = i2db("run", scene.config, "-o", out, "--set", f"chain.nomenclature_path={path}")
    assert answer.code == 2
    assert message in answer.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3\n", "colors.txt:1"),
        ("1 2 3 256\n", "blue is 256, outside 0 to 255"),
        ("1 2 3 x\n", "blue is 'x', not a whole number"),
        ("1 2 3 4\n1 5 6 7\n", "already has a colour in line 1"),
    ],
)
def test_colors(i2db: Command, scene: Scene, tmp_path: Path, out: Path, text: str, message: str) -> None:
    path = tmp_path / "colors.txt"
    path.write_text(text)
    answer = i2db("run", scene.config, "-o", out, "--set", f"chain.color_table={path}")
    assert answer.code == 2
    assert message in answer.err


def test_a_class_without_colour_gets_one_and_is_told(i2db: Command, scene: Scene, tmp_path: Path, out: Path) -> None:
    path = tmp_path / "colors.txt"
    path.write_text(f"{scene.class_codes[0]} 1 2 3\n")
    answer = i2db("run", scene.config, "-o", out, "-ending_step", 1, "--set", f"chain.color_table={path}")
    assert answer.code == 0, answer.err
    assert ask(out, "SELECT count(*), any_value(remedy) FROM finding WHERE subject = 'class'") == [
        (len(scene.class_codes) - 1, "given one of the default palette")
    ]
    assert ask(out, f"SELECT red, green, blue FROM class WHERE class_code = {scene.class_codes[0]}") == [(1, 2, 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{code}\n", "counts.csv:1"),
        ("{code},many\n", "counts.csv:1"),
        ("{code},5\n{code},6\n", "occurs twice"),
        ("{code},-5\n", "negative count"),
        (None, "does not exist"),
    ],
)
@pytest.mark.slow
def test_byclass(
    i2db: Command, scene: Scene, quick: list[str], tmp_path: Path, out: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "counts.csv"
    if text is not None:
        path.write_text(text.format(code=scene.class_codes[0]))
    settings = ["arg_train.sample_selection.strategy=byclass", f"arg_train.sample_selection.strategy.byclass.in={path}"]
    options = [option for setting in settings for option in ("--set", setting)]
    answer = i2db("run", scene.config, "-o", out, "-ending_step", 5, *quick, *options)
    assert answer.code == 2
    assert message in answer.err
    assert "counts.csv" in answer.err


@pytest.mark.slow
@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
def test_byclass_draws_what_it_says(
    i2db: Command, scene: Scene, quick: list[str], tmp_path: Path, out: Path, separator: str
) -> None:
    first, second, third, *_ = scene.class_codes
    path = tmp_path / "counts.csv"
    path.write_text("".join(f"{code}{separator}{n}\n" for code, n in ((first, 7), (second, 100_000), (third, 0))))
    settings = ["arg_train.sample_selection.strategy=byclass", f"arg_train.sample_selection.strategy.byclass.in={path}"]
    options = [option for setting in settings for option in ("--set", setting)]
    assert i2db("run", scene.config, "-o", out, "-ending_step", 5, *quick, *options).code == 0
    asked = {first: 7, second: 100_000}
    rows = ask(out, "SELECT class_code, n_available, n_drawn FROM quota")
    assert [drawn for _, _, drawn in rows] == [min(available, asked.get(code, 0)) for code, available, _ in rows]
    ((message,),) = ask(out, "SELECT DISTINCT remedy FROM finding WHERE stage = 'select'")
    assert message == "all of them were taken"


HOLD = """
import sys
from pathlib import Path
from i2db.store.database import Database
with Database.open(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A project folder whose database another process has open, and that process."""
    folder = tmp_path / "held"
    folder.mkdir()
    (folder / "config.toml").write_text("")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder / "i2db.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield folder, process.pid


@pytest.mark.slow
def test_a_database_in_use(i2db: Command, scene: Scene, held: tuple[Path, int], tmp_path: Path) -> None:
    folder, holder = held
    for command in (
        ["run", scene.config, "-o", folder],
        ["plan", scene.config, "-o", folder],
        ["sql", folder, "SELECT 1"],
        ["show", folder],
        ["export", folder, "samples", "-o", tmp_path / "x.csv"],
        ["audit", folder],
    ):
        answer = i2db(*command)
        assert answer.code == 4, command
        assert f"process {holder}" in answer.err
        assert "wait until the run has ended" in answer.err


@pytest.mark.slow
def test_rebuilding_a_database_in_use(i2db: Command, clean: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "out"
    shutil.copytree(clean, folder)
    path = folder / "i2db.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert i2db("rebuild", folder).code == 4
    assert_same(clean, folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own in memory, of 3 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("a small disk can be mounted by root only")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk(i2db: Command, scene: Scene, quick: list[str], clean: Path, small_disk: Path) -> None:
    folder = small_disk / "out"
    answer = i2db("run", scene.config, "-o", folder, *quick)
    assert answer.code == 1
    assert "could not write" in answer.err
    assert "make room" in answer.err
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    answer = i2db("run", scene.config, "-o", folder, *quick)
    assert answer.code == 0, answer.err
    assert_same(clean, folder)
