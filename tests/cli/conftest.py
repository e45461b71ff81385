"""The command line in this process, on the simulated scene."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from commands import Answer, Command

from i2db.cli.main import main
from scenes import QUICK, clean, scene

__all__ = ["clean", "scene"]


@pytest.fixture
def i2db(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Calls the command with arguments; a traceback, or a fault of its own, is never an answer."""

    def call(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["i2db", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert "fault in i2db" not in out + err, err
        code = ended.value.code
        assert isinstance(code, int)
        return Answer(code, out, err)

    return call


@pytest.fixture
def quick() -> list[str]:
    """Options for a fast run: few trees, few dates, one process."""
    return [option for setting in QUICK for option in ("--set", setting)]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output folder of the test's own."""
    return tmp_path / "out"
