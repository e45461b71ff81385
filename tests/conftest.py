"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from i2db.store.database import Database

REPOSITORY = Path(__file__).resolve().parents[1]

# No test is a matter of time: a loaded machine is slow and not wrong.
settings.register_profile("i2db", deadline=None)
settings.load_profile("i2db")


@pytest.fixture
def database() -> Iterator[Database]:
    """An empty database with the schema, in memory."""
    with Database.in_memory(threads=1) as memory:
        memory.create_schema()
        yield memory


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, which lies beside the checkout where it is present."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data are not here (../shared/data)")
    return folder
