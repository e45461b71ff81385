"""Facts are settled once and kept: they move with their basis or on demand, not with new data."""

from __future__ import annotations

from pathlib import Path

import pytest

from i2db.errors import ConfigError
from i2db.facts import Facts
from i2db.fingerprint import fingerprint


def test_the_first_answer_stays() -> None:
    facts = Facts(Path("facts.json"))
    assert facts.settle("dates", [10], ["20180101"]) == ["20180101"]
    assert facts.settle("dates", [10], ["20180101", "20180111"]) == ["20180101"]


def test_another_basis_or_a_refresh_settles_anew() -> None:
    facts = Facts(Path("facts.json"))
    facts.settle("dates", [10], "old")
    assert facts.settle("dates", [5], "new") == "new"
    assert facts.settle("dates", [5], "newer") == "new"
    assert facts.settle("dates", [5], "newer", refresh=True) == "newer"


def test_facts_survive_the_disk(tmp_path: Path) -> None:
    facts = Facts.load(tmp_path)
    facts.settle("seed", None, 17)
    facts.save()
    assert Facts.load(tmp_path).settle("seed", None, 4) == 17


def test_a_broken_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text("{")
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        Facts.load(tmp_path)
    assert "restore it, or remove it" in str(caught.value)


def test_fingerprints_follow_content_only() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint((1, 2)) == fingerprint([1, 2])
    assert len({fingerprint(1), fingerprint("1"), fingerprint(1.5), fingerprint([1]), fingerprint(1, None)}) == 5
