"""`i2db app` as a user types it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from commands import Command


@pytest.fixture
def bands(tmp_path: Path) -> list[Path]:
    paths = []
    for number in (1, 2):
        path = tmp_path / f"band_{number}.tif"
        profile = {"driver": "GTiff", "width": 8, "height": 6, "count": 1, "dtype": "int16", "crs": "EPSG:32631"}
        with rasterio.open(path, "w", transform=Affine(10, 0, 0, 0, -10, 60), **profile) as target:
            target.write(np.full((1, 6, 8), 100 * number, dtype="int16"))
        paths.append(path)
    return paths


def test_the_example_of_the_help(i2db: Command, bands: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "c.tif"
    answer = i2db("app", "BandMath", "-il", *bands, "-exp", "im1b1+im2b1", "-out", out)
    assert answer.code == 0, answer.err
    with rasterio.open(out) as found:
        assert found.dtypes == ("float32",)
        assert (found.read(1) == 300).all()


def test_a_pixel_type_and_what_looks_like_an_option(i2db: Command, bands: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "c.tif"
    answer = i2db("app", "BandMath", "-il", bands[0], "-exp", "-im1b1*2-100.9", "-out", out, "int16", "-ram", "64")
    assert answer.code == 0, answer.err
    with rasterio.open(out) as found:
        assert found.dtypes == ("int16",)
        assert (found.read(1) == -300).all()
    answer = i2db("app", "Superimpose", "-inr", bands[0], "-inm", out, "-fv", "-9999", "-out", tmp_path / "d.tif")
    assert answer.code == 0, answer.err


def test_messages_go_to_the_standard_error(i2db: Command, bands: list[Path], tmp_path: Path) -> None:
    answer = i2db("app", "ExtractROI", "-in", bands[0], "-startx", "6", "-sizex", "9", "-out", tmp_path / "c.tif")
    assert (answer.code, answer.out) == (0, "")
    assert "2 x 6 pixels are left" in answer.err


def test_lists_and_pages_fit_narrow_terminals(i2db: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert "Superimpose" in i2db("app").out
    for help_option in ("--help", "-help", "-h"):
        page = i2db("app", "ExtractROI", help_option)
        assert page.code == 0
        assert "-mode.fit.vect" in page.out
        assert max(map(len, page.out.splitlines())) <= 60


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["BandMat", "-il", "x.tif"], "did you mean BandMath?"),
        (["BandMath"], "was given no parameters"),
        (["BandMath", "x.tif", "-exp", "1"], "'x.tif' stands before any parameter"),
        (["BandMath", "-il", "BAND", "-exp", "im1b1 +* 2"], "  im1b1 +* 2\n         ^"),
        (["BandMath", "-il", "BAND", "-expression", "1"], "did you mean -exp?"),
        (["BandMath", "-il", "BAND", "-exp", "1", "-exp", "2"], "-exp is given twice"),
        (["BandMath", "-il", "BAND", "-exp"], "-exp is given nothing"),
        (["BandMath", "-il", "BAND", "-exp", "1", "2"], "-exp takes one value, not 2"),
        (["BandMath", "-il", "none.tif", "-exp", "1"], "none.tif does not exist"),
        (["BandMath", "-il", "BAND?&bands=1", "-exp", "1"], "extended file names"),
        (["Superimpose", "-inr", "BAND", "-inm", "BAND", "-lms", "4"], "leave it out"),
    ],
)
def test_what_is_wrong_is_told(
    i2db: Command, bands: list[Path], tmp_path: Path, words: list[str], message: str
) -> None:
    given = [word.replace("BAND", str(bands[0])) for word in words]
    answer = i2db("app", *given, *(["-out", tmp_path / "out.tif"] if len(words) > 1 else []))
    assert answer.code == 2
    assert message in answer.err
    assert not (tmp_path / "out.tif").exists()
