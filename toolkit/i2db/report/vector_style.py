"""The style that QGIS gives a vector layer: a symbol per category, in the colours of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from i2db.report.nomenclature import Color

#: What a symbol is drawn on: QGIS's numbers of geometry types.
Kind = Literal["point", "line", "polygon"]
_GEOMETRY_TYPES: dict[Kind, str] = {"point": "0", "line": "1", "polygon": "2"}
_LAYERS: dict[Kind, tuple[str, str]] = {
    "point": ("marker", "SimpleMarker"),
    "line": ("line", "SimpleLine"),
    "polygon": ("fill", "SimpleFill"),
}


@dataclass(frozen=True, slots=True)
class Category:
    """One entry of a legend: what the field holds, how it is called, its colour."""

    content: str | int
    label: str
    color: Color


def vector_qml(kind: Kind, field: str | None, categories: Sequence[Category]) -> str:
    """A QGIS style: a symbol per category of a field, or one red symbol where there is no field.

    The text is what a .qml file and the table layer_styles of a GeoPackage hold.
    """
    root = ElementTree.Element("qgis", {"version": "3.28", "styleCategories": "Symbology"})
    if field is None:
        renderer = ElementTree.SubElement(root, "renderer-v2", {"type": "singleSymbol"})
        _add_symbol(ElementTree.SubElement(renderer, "symbols"), kind, 0, (202, 0, 32))
    else:
        renderer = ElementTree.SubElement(root, "renderer-v2", {"type": "categorizedSymbol", "attr": field})
        entries = ElementTree.SubElement(renderer, "categories")
        symbols = ElementTree.SubElement(renderer, "symbols")
        for number, one in enumerate(categories):
            entry = {"value": str(one.content), "label": one.label, "symbol": str(number), "render": "true"}
            ElementTree.SubElement(
                entries, "category", entry | {"type": "long" if isinstance(one.content, int) else "string"}
            )
            _add_symbol(symbols, kind, number, one.color)
    ElementTree.SubElement(root, "layerGeometryType").text = _GEOMETRY_TYPES[kind]
    ElementTree.indent(root)
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return head + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_symbol(symbols: ElementTree.Element, kind: Kind, number: int, color: Color) -> None:
    """A symbol in one colour; polygons are half transparent, with an outline that shows on any background."""
    symbol_type, layer_class = _LAYERS[kind]
    alpha = "0.6" if kind == "polygon" else "1"
    symbol = ElementTree.SubElement(symbols, "symbol", {"type": symbol_type, "name": str(number), "alpha": alpha})
    layer = ElementTree.SubElement(symbol, "layer", {"class": layer_class, "enabled": "1", "pass": "0"})
    options = ElementTree.SubElement(layer, "Option", {"type": "Map"})
    shade = "{},{},{},255".format(*color)
    settings = {
        "point": {"color": shade, "name": "square", "outline_color": "35,35,35,255", "size": "1.6"},
        "line": {"line_color": shade, "line_width": "0.6"},
        "polygon": {"color": shade, "outline_color": "35,35,35,255", "outline_width": "0.3", "style": "solid"},
    }[kind]
    for name, content in settings.items():
        ElementTree.SubElement(options, "Option", {"name": name, "type": "QString", "value": content})
