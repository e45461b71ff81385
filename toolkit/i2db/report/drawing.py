"""Drawings of a few shapes, once described and shown in two ways: as SVG inside the report, and as a PNG file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from i2db.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, GREY, FAINT = "#1b1b1b", "#595959", "#d9d9d9"
#: Okabe and Ito's blue and vermilion: told apart with any colour vision, and by their lightness.
BLUE, VERMILION = "#0072b2", "#d55e00"

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A rectangle from its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    fill: str = "none"
    stroke: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line through points."""

    points: tuple[Point, ...]
    stroke: str = INK
    width: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A filled polygon without an outline."""

    points: tuple[Point, ...]
    fill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A filled circle."""

    x: float
    y: float
    radius: float = 3.0
    fill: str = INK


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A line of text; `y` is its base line. A halo keeps it readable on a picture."""

    x: float
    y: float
    text: str
    size: float = 13.0
    anchor: Anchor = "start"
    fill: str = INK
    is_bold: bool = False
    has_halo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """A PNG stretched over a rectangle, its pixels left sharp."""

    x: float
    y: float
    width: float
    height: float
    png: bytes


Shape = Rectangle | Line | Area | Dot | Label | Raster


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Shapes on a white sheet, in pixels from its upper left corner.

    alternative: what it shows, for who cannot see it.
    """

    width: float
    height: float
    shapes: tuple[Shape, ...]
    alternative: str


def svg(drawing: Drawing) -> str:
    """The drawing as an inline SVG element, as wide as its place allows and no wider than it is."""
    shapes = "".join(_element(shape) for shape in drawing.shapes)
    label = escape(drawing.alternative)
    return (
        f'<svg viewBox="0 0 {drawing.width:g} {drawing.height:g}" width="{drawing.width:g}" '
        f'height="{drawing.height:g}" role="img" aria-label="{label}">{shapes}</svg>'
    )


def _element(shape: Shape) -> str:
    match shape:
        case Rectangle():
            outline = "" if shape.stroke == "none" else f' stroke="{shape.stroke}"'
            return f'<rect {_place(shape)} fill="{shape.fill}"{outline}/>'
        case Line():
            pen = f'stroke="{shape.stroke}" stroke-width="{shape.width:g}"'
            return f'<polyline points="{_points(shape.points)}" fill="none" {pen}/>'
        case Area():
            return f'<polygon points="{_points(shape.points)}" fill="{shape.fill}"/>'
        case Dot():
            return f'<circle cx="{_number(shape.x)}" cy="{_number(shape.y)}" r="{shape.radius:g}" fill="{shape.fill}"/>'
        case Label():
            return _text(shape)
        case Raster():
            content = base64.b64encode(shape.png).decode()
            return f'<image {_place(shape)} preserveAspectRatio="none" href="data:image/png;base64,{content}"/>'


def _text(label: Label) -> str:
    style = "" if label.anchor == "start" else f' text-anchor="{label.anchor}"'
    style += ' font-weight="bold"' if label.is_bold else ""
    style += ' class="halo"' if label.has_halo else ""
    return (
        f'<text x="{_number(label.x)}" y="{_number(label.y)}" font-size="{label.size:g}" fill="{label.fill}"{style}>'
        f"{escape(label.text)}</text>"
    )


def _place(shape: Rectangle | Raster) -> str:
    names = (("x", shape.x), ("y", shape.y), ("width", shape.width), ("height", shape.height))
    return " ".join(f'{name}="{_number(value)}"' for name, value in names)


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def write_png(path: Path, drawing: Drawing, *, scale: float = 2.0) -> None:
    """Write the drawing as a PNG file of `scale` pixels per pixel of the drawing."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(drawing.width / 100, drawing.height / 100), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, drawing.width)
    axes.set_ylim(drawing.height, 0)
    for order, shape in enumerate(drawing.shapes):
        _draw(axes, shape, order)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100 * scale, metadata={"Software": None})
    write_whole(path, buffer.getvalue())


def _draw(axes: Axes, shape: Shape, order: int) -> None:
    from matplotlib import patches

    points = 0.72  # of a pixel of the drawing: 72 to the inch, of which it has 100
    match shape:
        case Rectangle():
            axes.add_patch(
                patches.Rectangle(
                    (shape.x, shape.y),
                    shape.width,
                    shape.height,
                    facecolor=shape.fill,
                    edgecolor=shape.stroke,
                    zorder=order,
                    linewidth=points,
                )
            )
        case Line():
            xs, ys = zip(*shape.points, strict=True)
            axes.plot(xs, ys, color=shape.stroke, linewidth=shape.width * points, zorder=order)
        case Area():
            axes.add_patch(patches.Polygon(shape.points, facecolor=shape.fill, edgecolor="none", zorder=order))
        case Dot():
            axes.add_patch(patches.Circle((shape.x, shape.y), shape.radius, facecolor=shape.fill, zorder=order))
        case Label():
            _draw_text(axes, shape, order, points)
        case Raster():
            from matplotlib.image import imread

            extent = (shape.x, shape.x + shape.width, shape.y + shape.height, shape.y)
            image = imread(io.BytesIO(shape.png), format="png")
            axes.imshow(image, extent=extent, interpolation="nearest", aspect="auto", zorder=order)


def _draw_text(axes: Axes, label: Label, order: int, points: float) -> None:
    from matplotlib.patheffects import withStroke

    alignment: dict[Anchor, Literal["left", "center", "right"]] = {"start": "left", "middle": "center", "end": "right"}
    text = axes.text(
        label.x,
        label.y,
        label.text,
        fontsize=label.size * points,
        color=label.fill,
        ha=alignment[label.anchor],
        va="baseline",
        weight="bold" if label.is_bold else "normal",
        zorder=order,
        parse_math=False,
    )
    if label.has_halo:
        text.set_path_effects([withStroke(linewidth=3 * points, foreground="white")])
