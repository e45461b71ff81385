"""What the user's functions have cost, said for a person: which are slow, which keep memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: From this share of the time of its stages on, a function is called slow.
SLOW_SHARE = 0.5
#: From this much memory on that its calls did not give back, a function is said to keep memory.
KEPT_MEGABYTES = 100.0


def marks(row: Mapping[str, Any]) -> list[str]:
    """What is to be looked at in a row of `catalogue/function_costs`; empty where nothing is."""
    found = []
    if row["share"] is not None and row["share"] >= SLOW_SHARE:
        found.append(f"slow: {100 * min(float(row['share']), 1.0):.0f} % of the time of its stages")
    if row["kept_megabytes"] >= KEPT_MEGABYTES:
        found.append(f"keeps memory: {row['kept_megabytes']:.0f} MB not given back")
    if row["n_not_finite"]:
        found.append(f"{row['n_not_finite']} pixels are NaN or infinite and have no data")
    return found


def tell_costs(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines for a person on what functions have cost, the dearest first."""
    lines = []
    for row in sorted(rows, key=lambda row: -float(row["seconds"])):
        line = f"function {row['function']}: {float(row['seconds']):.1f} s in {row['n_calls']} calls"
        if float(row["peak_megabytes"]) >= 1:
            line += f", {float(row['peak_megabytes']):.0f} MB"
        lines.append("; ".join((line, *marks(row))))
    return lines
