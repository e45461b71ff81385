"""Maps as drawings: classes with their codes on the largest patches, and numbers in shades; scale bar and north."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.report.drawing import GREY, INK, Drawing, Label, Line, Raster, Rectangle, Shape
from i2db.report.png import indexed_png
from i2db.report.quicklook import QuickLook
from i2db.report.style import LegendClass
from i2db.report.words import length

#: Pixels of a map's drawing: its width, its greatest height, and what stands under it.
WIDTH, _MOST_HEIGHT, _FOOT = 560.0, 680.0, 44.0
_NO_DATA = (235, 235, 235)
_UNKNOWN = (0, 0, 0)
#: Side of the array in which places for labels are looked for, and size of the labels.
_PLACING, _LABEL = 256, 15.0
#: Steps between the darkest and the lightest shade of a map of numbers.
_STEPS = 51


def class_map(look: QuickLook, classes: Sequence[LegendClass], *, alternative: str) -> Drawing:
    """A map of classes in their colours; codes on their largest patches tell them apart without colours.

    Labels that `classes` lacks are black; no data is light grey.
    """
    palette = np.array([one.color for one in classes] + [_UNKNOWN, _NO_DATA], np.uint8)
    places = class_places(look.values, [one.code for one in classes])
    width, height, left = _frame(look)
    shapes: list[Shape] = [
        Raster(x=left, y=0.5, width=width, height=height, png=indexed_png(places, palette)),
        Rectangle(x=left, y=0.5, width=width, height=height, stroke="#8a8a8a"),
    ]
    for i, row, column in label_places(places, [str(one.code) for one in classes], width):
        x, y = left + column * width, 0.5 + row * height + 0.36 * _LABEL
        shapes.append(
            Label(x=x, y=y, text=str(classes[i].code), size=_LABEL, anchor="middle", is_bold=True, has_halo=True)
        )
    shapes += _foot(look, left, width, height)
    return Drawing(width=WIDTH, height=height + _FOOT, shapes=tuple(shapes), alternative=alternative)


def class_places(values: Any, codes: Sequence[int]) -> NDArray[np.int64]:
    """Place of each label in `codes`; their number for a label that is not among them, one more for no data."""
    if not codes:
        return np.where(np.ma.getmaskarray(values), 1, 0)
    order = np.argsort(codes)
    ascending = np.asarray(codes, np.int64)[order]
    labels = values.filled(0).astype(np.int64)
    found = np.minimum(np.searchsorted(ascending, labels), len(codes) - 1)
    places = np.where(ascending[found] == labels, order[found], len(codes))
    places[np.ma.getmaskarray(values)] = len(codes) + 1
    return np.asarray(places, np.int64)


def label_places(places: NDArray[np.int64], texts: Sequence[str], width: float) -> list[tuple[int, float, float]]:
    """Where the text of each class has room: (class, row, column) with row and column as shares of the map.

    At most two per class: the middle of its widest patch, and of the widest one that is a third of the map away.

    Args:
        places: class of each pixel (rows, columns); numbers beyond the texts are no class.
        texts: of each class.
        width: of the map, in pixels of the drawing.
    """
    from scipy import ndimage

    step = max(1, math.ceil(max(places.shape) / _PLACING))
    small = places[step // 2 :: step, step // 2 :: step]
    rows, columns = small.shape
    if not rows or not columns:
        return []
    y, x = np.mgrid[:rows, :columns]
    found = []
    for i in range(len(texts)):
        patch = small == i
        if not patch.any():
            continue
        # From the centre of a pixel to the edge of its patch: half a pixel less than to the next centre outside.
        room = ndimage.distance_transform_edt(np.pad(patch, 1))[1:-1, 1:-1] - 0.5
        needed = 0.34 * _LABEL * max(len(texts[i]), 2) * columns / width
        for _ in range(2):
            row, column = np.unravel_index(int(room.argmax()), room.shape)
            if room[row, column] < needed:
                break
            found.append((i, (row + 0.5) / rows, (column + 0.5) / columns))
            room[np.hypot(y - row, x - column) < max(rows, columns) / 3] = 0
    return found


def shaded_map(
    look: QuickLook, *, low: float, high: float, unit: str, alternative: str, colors: str = "cividis"
) -> Drawing:
    """A map of numbers from dark (low) to light (high), in shades that hold for any colour vision, and their scale."""
    shades = shades_of(colors)
    share = (look.values.filled(low).astype(np.float64) - low) / max(high - low, 1e-9)
    # No eye tells more steps apart, and a noisy map is half as large.
    places = np.clip(np.round(share * _STEPS), 0, _STEPS).astype(np.int64) * 255 // _STEPS
    places[np.ma.getmaskarray(look.values)] = 256
    palette = np.vstack([shades, [_NO_DATA]]).astype(np.uint8)
    width, height, left = _frame(look)
    bar_left, bar_width = WIDTH - 215, 150.0
    y = height + 12
    shapes: list[Shape] = [
        Raster(x=left, y=0.5, width=width, height=height, png=indexed_png(places, palette)),
        Rectangle(x=left, y=0.5, width=width, height=height, stroke="#8a8a8a"),
        *_foot(look, left, width, height),
        Raster(x=bar_left, y=y, width=bar_width, height=12, png=indexed_png(np.arange(256)[None], palette)),
        Rectangle(x=bar_left, y=y, width=bar_width, height=12, stroke="#8a8a8a"),
    ]
    for x, value in ((bar_left, low), (bar_left + bar_width, high)):
        shapes.append(Label(x=x, y=y + 27, text=f"{value:g}", size=14, anchor="middle", fill=GREY))
    shapes.append(Label(x=bar_left + bar_width / 2, y=y + 27, text=unit, size=14, anchor="middle", fill=GREY))
    return Drawing(width=WIDTH, height=height + _FOOT, shapes=tuple(shapes), alternative=alternative)


def shades_of(name: str) -> NDArray[np.uint8]:
    """The 256 colours of one of matplotlib's colour maps (256, 3)."""
    from matplotlib import colormaps

    return np.round(colormaps[name](np.arange(256))[:, :3] * 255).astype(np.uint8)


def _frame(look: QuickLook) -> tuple[float, float, float]:
    """Width and height of the picture in the drawing, and its left edge: it stands in the middle."""
    rows, columns = look.values.shape
    height_per_width = rows / (columns * look.aspect)
    width = min(WIDTH - 1, _MOST_HEIGHT / height_per_width)
    return width, width * height_per_width, (WIDTH - width) / 2


def _foot(look: QuickLook, left: float, width: float, height: float) -> list[Shape]:
    """Under the map: a bar of a round length, no longer than a third of the map, and an arrow to the north."""
    y = height + 18
    shapes: list[Shape] = [
        Line(points=((left + 8, y + 8), (left + 8, y - 10)), width=2),
        Line(points=((left + 3, y - 4), (left + 8, y - 11), (left + 13, y - 4)), width=2),
        Label(x=left + 18, y=y + 6, text="N", size=15, is_bold=True),
    ]
    metres = look.where.width
    if math.isfinite(metres) and metres > 0:
        longest = metres / 3
        power = 10.0 ** math.floor(math.log10(longest))
        round_length = next(factor * power for factor in (5, 2, 1) if factor * power <= longest)
        start, end = left + 46, left + 46 + round_length / metres * width
        shapes += [
            Line(points=((start, y - 4), (start, y + 4), (end, y + 4), (end, y - 4)), stroke=INK, width=2),
            Label(x=end + 8, y=y + 6, text=length(round_length), size=15),
        ]
    return shapes
