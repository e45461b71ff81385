"""Numbers as the report and RESULTS.txt say them; what is undefined is a dash."""

from __future__ import annotations

UNDEFINED = "–"
#: Between a number and its unit: no line ends there.
_GAP = "\N{NO-BREAK SPACE}"


def number(value: float | None, digits: int = 3) -> str:
    """0.703"""
    return UNDEFINED if value is None else f"{value:.{digits}f}"


def half(value: float | None, sign: str = "± ") -> str:
    """± 0.021"""
    return UNDEFINED if value is None else f"{sign}{value:.3f}"


def ends(interval: tuple[float, float] | None) -> str:
    """0.534 to 0.781"""
    return UNDEFINED if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"


def percent(share: float | None) -> str:
    """A share as a percentage: 70 %, 0.4 %; never 0 % or 100 % of what is not."""
    if share is None:
        return UNDEFINED
    if 0 < share < 0.0005:
        return f"< 0.1{_GAP}%"
    if 0.995 <= share < 1 or 0 < share < 0.01:
        # 99.96 % would be rounded up to 100.
        return f"{min(share * 100, 99.9):.1f}{_GAP}%"
    return f"{share * 100:.0f}{_GAP}%"


def count(value: float | None) -> str:
    """1,234; 12.5 where it is a mean; a dash for what is unknown."""
    if value is None:
        return UNDEFINED
    return f"{value:,.1f}".removesuffix(".0")


def area(hectares: float | None) -> str:
    """Hectares: 0.41, 12.3, 1,234"""
    if hectares is None:
        return UNDEFINED
    return (
        f"{hectares:,.2f}" if abs(hectares) < 10 else f"{hectares:,.1f}" if abs(hectares) < 100 else f"{hectares:,.0f}"
    )


def duration(seconds: float) -> str:
    """12.3 s, 1 min 15 s, 2 h 03 min"""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def length(metres: float) -> str:
    """640 m, 2.5 km, 110 km"""
    return (
        f"{metres:.0f} m"
        if metres < 1000
        else f"{metres / 1000:.3g} km"
        if metres < 1e6
        else f"{metres / 1000:,.0f} km"
    )


def plural(n: int, one: str, many: str | None = None) -> str:
    """1 polygon, 3 polygons"""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def clipped(middle: float, half_width: float, low: float = 0.0, high: float = 1.0) -> tuple[float, float]:
    """Ends of an interval, cut where the measure ends: Student's t does not know that a share stops at 1."""
    return max(low, middle - half_width), min(high, middle + half_width)
