from __future__ import annotations

import pytest

from i2db.report.words import area, clipped, count, duration, ends, half, length, number, percent, plural


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (None, "–"),
        (0, "0 %"),
        (0.0001, "< 0.1 %"),
        (0.004, "0.4 %"),
        (0.7, "70 %"),
        (0.994, "99 %"),
        (0.9996, "99.9 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_never_rounded_to_nothing_or_all(share: float | None, expected: str) -> None:
    assert percent(share).replace("\N{NO-BREAK SPACE}", " ") == expected


def test_numbers() -> None:
    assert (number(0.70254), number(None)) == ("0.703", "–")
    assert (half(0.0214), half(None)) == ("± 0.021", "–")
    assert ends((0.5, 0.75)) == "0.500 to 0.750"
    assert (count(1234), count(637.67), count(None)) == ("1,234", "637.7", "–")
    assert (area(0.414), area(12.34), area(1234.4)) == ("0.41", "12.3", "1,234")
    assert (duration(12.34), duration(75.2), duration(4000)) == ("12.3 s", "1 min 15 s", "1 h 06 min")
    assert (length(640), length(2500), length(109_800), length(1_250_000)) == ("640 m", "2.5 km", "110 km", "1,250 km")
    assert (plural(1, "class", "classes"), plural(2, "class", "classes"), plural(0, "run")) == (
        "1 class",
        "2 classes",
        "0 runs",
    )
    assert clipped(0.7, 0.5) == (pytest.approx(0.2), 1.0)
