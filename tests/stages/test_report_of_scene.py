"""The report of a whole run: every figure in it is that of the tables."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from scenes import ask, read_only
from typer.testing import CliRunner

from i2db.cli.main import app
from i2db.errors import ConfigError, InputError
from i2db.report.collect import REPORT_SQL, collect, write_report
from i2db.report.drawing import Label
from i2db.report.html import ClassName, Matrix, Report, Table
from i2db.report.words import count, number, percent
from i2db.store.database import Database


@pytest.fixture(scope="module")
def report(clean: Path) -> Report:
    with Database.open(clean / "i2db.duckdb", read_only=True) as database:
        return collect(database, clean)
