"""Parts: there whole or not at all, proved by checksums, shared by hard links."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from toy import World, go, numbers, open_toy, reasons

from i2db.errors import ContractError
from i2db.store.parts import Part, PartStore, PartWriter

TABLE = pa.table({"unit": ["u"], "n": pa.array([4], pa.int64())})


def write(root: Path, content: pa.Table = TABLE) -> Part:
    """One part with a table and a folder, as models are."""
    writer = PartWriter(root, "make", "u", "f1")
    writer.table("number", content)
    folder = writer.path("model", "")
    folder.mkdir()
    (folder / "weights").write_bytes(b"123")
    writer.add("model", folder)
    return writer.finish(colour="blue")


def flip(path: Path) -> None:
    """Turn one bit in the middle of a file: its size stays."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_what_is_written_is_found(tmp_path: Path) -> None:
    part = write(tmp_path)
    found = PartStore(tmp_path).find("make", "u", "f1")
    assert found == part
    assert found is not None
    assert found.details == {"colour": "blue"}
    assert (found.file("number").n_rows, found.file("model").n_bytes) == (1, 3)
    assert PartStore(tmp_path).find("make", "u", "f2") is None
    with pytest.raises(ContractError, match="no file of kind map"):
        found.file("map")


def test_the_manifest_is_last(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, "make", "u", "f1")
    writer.table("number", TABLE)
    assert PartStore(tmp_path).find("make", "u", "f1") is None
    writer.finish()
    assert PartStore(tmp_path).find("make", "u", "f1") is not None


@pytest.mark.parametrize("damage", ["truncated", "removed", "longer", "manifest"])
def test_a_part_that_is_not_whole_is_none(tmp_path: Path, damage: str) -> None:
    part = write(tmp_path)
    path = PartStore(tmp_path).path_of(part, "number")
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "longer":
        path.write_bytes(path.read_bytes() + b"x")
    elif damage == "removed":
        path.unlink()
    else:
        manifest = tmp_path / "make" / "u-f1.json"
        manifest.write_text(manifest.read_text()[:40])
    assert PartStore(tmp_path).find("make", "u", "f1") is None


@pytest.mark.parametrize("kind", ["number", "model"])
def test_a_flipped_bit_is_a_broken_contract(tmp_path: Path, kind: str) -> None:
    part = write(tmp_path)
    store = PartStore(tmp_path)
    path = store.path_of(part, kind)
    assert store.verify(part, kind) == path
    flip(path if path.is_file() else path / "weights")
    with pytest.raises(ContractError, match="checksum") as caught:
        store.verify(part, kind)
    assert str(path) in str(caught.value)
    assert "run again" in str(caught.value)
    assert store.find("make", "u", "f1") is None
    assert list((tmp_path / "make").iterdir()) == []


def test_a_damaged_part_is_made_again_by_the_next_run(tmp_path: Path) -> None:
    project = open_toy(tmp_path / "out")
    try:
        go(project, World())
        flip(next((project.folder / "parts" / "make").glob("b-*.parquet")))
        # Gone back and forth, so that the damaged part is to be published again.
        go(project, World(numbers={"a": 1, "b": 5, "c": 3}))
        with pytest.raises(ContractError, match="damaged"):
            go(project, World())
        assert numbers(project) == {"a": 2, "b": 10, "c": 6}
        assert reasons(project, World())["make/b"] == "changed"
        counts, _ = go(project, World())
        assert counts["make"] == {"run": 1, "adopted": 0, "current": 2, "failed": 0}
        assert numbers(project) == {"a": 2, "b": 4, "c": 6}
    finally:
        project.close()


def test_parts_are_borrowed_by_hard_link(tmp_path: Path) -> None:
    part = write(tmp_path / "lender")
    store = PartStore(tmp_path / "own", (tmp_path / "absent", tmp_path / "lender"))
    assert store.find("make", "u", "f1") == part
    for name in ("u-f1.json", "u-f1.number.parquet", "u-f1.model/weights"):
        assert (tmp_path / "own" / "make" / name).samefile(tmp_path / "lender" / "make" / name)
    assert store.verify(part, "model").is_relative_to(tmp_path / "own")
    assert PartStore(tmp_path / "own").find("make", "u", "f1") == part


def test_a_borrowed_part_does_not_change_with_its_lender(tmp_path: Path) -> None:
    write(tmp_path / "lender")
    store = PartStore(tmp_path / "own", (tmp_path / "lender",))
    part = store.find("make", "u", "f1")
    assert part is not None
    # Written anew, a part takes the place of the old file and does not write into it.
    write_again = PartWriter(tmp_path / "lender", "make", "u", "f1")
    write_again.table("number", pa.table({"unit": ["u"], "n": pa.array([5], pa.int64())}))
    assert store.verify(part, "number").is_file()


@pytest.mark.parametrize("damage", ["number", "model", "lost"])
def test_a_damaged_part_is_not_borrowed(tmp_path: Path, damage: str) -> None:
    lender = tmp_path / "lender"
    write(lender)
    if damage == "lost":
        (lender / "make" / "u-f1.model" / "weights").unlink()
    else:
        flip(lender / "make" / {"number": "u-f1.number.parquet", "model": "u-f1.model/weights"}[damage])
    assert PartStore(tmp_path / "own", (lender,)).find("make", "u", "f1") is None
    assert not (tmp_path / "own").exists()
    write(tmp_path / "second lender")
    store = PartStore(tmp_path / "own", (lender, tmp_path / "second lender"))
    part = store.find("make", "u", "f1")
    assert part is not None
    assert store.verify(part, "number").samefile(tmp_path / "second lender" / "make" / "u-f1.number.parquet")


def test_a_borrowed_part_takes_the_place_of_what_is_left_of_an_older_one(tmp_path: Path) -> None:
    write(tmp_path / "lender")
    left = tmp_path / "own" / "make" / "u-f1.model"
    left.mkdir(parents=True)
    (left / "weights").write_bytes(b"half")
    (left / "more").write_bytes(b"half")
    store = PartStore(tmp_path / "own", (tmp_path / "lender",))
    part = store.find("make", "u", "f1")
    assert part is not None
    assert (store.verify(part, "model") / "weights").read_bytes() == b"123"


def test_only_looking_leaves_no_trace(tmp_path: Path) -> None:
    part = write(tmp_path / "lender")
    store = PartStore(tmp_path / "own", (tmp_path / "lender",), is_read_only=True)
    assert store.find("make", "u", "f1") == part
    assert not (tmp_path / "own").exists()


def test_a_variant_runs_nothing_that_its_lender_has(tmp_path: Path) -> None:
    project = open_toy(tmp_path / "first")
    go(project, World())
    project.close()
    variant = open_toy(tmp_path / "second", lenders=(tmp_path / "first" / "parts",))
    try:
        counts, _ = go(variant, World(numbers={"a": 1, "b": 2, "c": 7}))
        assert counts["make"] == {"run": 1, "adopted": 2, "current": 0, "failed": 0}
        assert numbers(variant) == {"a": 2, "b": 4, "c": 14}
    finally:
        variant.close()


def test_a_borrowed_part_that_is_damaged_is_made_anew(tmp_path: Path) -> None:
    project = open_toy(tmp_path / "first")
    go(project, World())
    project.close()
    variant = open_toy(tmp_path / "second", lenders=(tmp_path / "first" / "parts",))
    try:
        go(variant, World())
        # Borrower and lender share the file by a hard link: the damage is to both.
        flip(next((variant.folder / "parts" / "make").glob("b-*.parquet")))
        go(variant, World(numbers={"a": 1, "b": 5, "c": 3}))
        with pytest.raises(ContractError, match="damaged"):
            go(variant, World())
        counts, _ = go(variant, World())
        assert counts["make"] == {"run": 1, "adopted": 0, "current": 2, "failed": 0}
        assert numbers(variant) == {"a": 2, "b": 4, "c": 6}
    finally:
        variant.close()
