"""The pictures of the README, drawn from the real asset graph and from a real scorecard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pytest

from sync_platform.documents.document import DocumentTable, Mark, cell_text

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
LETTER, LINE, GAP = 6.7, 22, 70
"""Pixels: the width of a letter, the height of a line, and the space between two columns of the graph."""
COLOURS = {"landing": "#e8eef7", "unified": "#e6f4e8", "quality": "#fdf3dc", "reference": "#f3e9f7"}
TONES = {"good": "#14591f", "bad": "#a40000", "muted": "#555", None: "#1c1c1c"}
FONT = "font-family='ui-monospace, Menlo, Consolas, monospace' font-size='11'"


def require_picture(name: str, drawn: str) -> None:
    """Compare with the committed picture; where there is none, write it and fail."""
    file = PICTURES / name
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        file.write_text(drawn)
        pytest.fail(f"docs/pictures/{name} was missing and has been drawn: look at it, and run again")
    assert file.read_text() == drawn, f"docs/pictures/{name} is out of date: delete it, and run this test again"


def graph_picture(parents: Mapping[str, Sequence[str]]) -> str:
    """The assets as boxes, each to the right of the assets that it is made from."""
    columns = _columns(parents)
    place: dict[str, tuple[float, float, float]] = {}
    left = 10.0
    height = 0.0
    most = max(map(len, columns))
    for names in columns:
        width = max(len(name) for name in names) * LETTER + 14
        top = 10 + (most - len(names)) * LINE / 2
        for number, name in enumerate(names):
            place[name] = (left, top + number * LINE, width)
        height = max(height, top + len(names) * LINE)
        left += width + GAP
    edges = [_edge(place[parent], place[name]) for name, above in parents.items() for parent in sorted(above)]
    boxes = [_box(name, *place[name]) for name in place]
    return _svg(left - GAP + 10, height + 10, [*edges, *boxes])


def _columns(parents: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The assets by the longest way from a root; each column in the order of what its assets are made from."""
    depth: dict[str, int] = {}

    def depth_of(name: str) -> int:
        if name not in depth:
            depth[name] = max((depth_of(parent) + 1 for parent in parents[name]), default=0)
        return depth[name]

    for name in parents:
        depth_of(name)
    columns: list[list[str]] = []
    rank: dict[str, float] = {}
    for level in range(max(depth.values()) + 1):
        names = sorted(name for name in parents if depth[name] == level)
        means = {name: [rank[parent] for parent in parents[name]] for name in names}
        names.sort(key=lambda name: (sum(means[name]) / len(means[name]) if means[name] else 0, name))
        rank |= {name: number / len(names) for number, name in enumerate(names)}
        columns.append(names)
    return columns


def _box(name: str, left: float, top: float, width: float) -> str:
    colour = COLOURS.get(name.split("/")[0], "#f6f6f6")
    box = (
        f"<rect x='{left:.0f}' y='{top:.0f}' width='{width:.0f}' height='18' rx='4' fill='{colour}' stroke='#8a97a8'/>"
    )
    return f"{box}<text x='{left + 7:.0f}' y='{top + 13:.0f}' {FONT} fill='#1c1c1c'>{escape(name)}</text>"


def _edge(parent: tuple[float, float, float], child: tuple[float, float, float]) -> str:
    x1, y1, x2, y2 = parent[0] + parent[2], parent[1] + 9, child[0], child[1] + 9
    middle = x2 - GAP / 2
    way = f"M{x1:.0f} {y1:.0f} C{middle:.0f} {y1:.0f} {middle:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    return f"<path d='{way}' fill='none' stroke='#8a97a8' stroke-opacity='0.45'/>"


def table_picture(table: DocumentTable) -> str:
    """The table as text, with the colours of its marks."""
    rows = [[*map(cell_text, row)] for row in table.rows]
    widths = [max(map(len, column)) * LETTER + 18 for column in zip(table.columns, *rows, strict=True)]
    lefts = [12 + sum(widths[:number]) for number in range(len(widths))]
    width = lefts[-1] + widths[-1]
    parts = [_text(left, 20, name, "#1c1c1c", "bold") for left, name in zip(lefts, table.columns, strict=True)]
    parts.append(f"<path d='M12 27 H{width - 12:.0f}' stroke='#1c1c1c'/>")
    for number, row in enumerate(table.rows):
        for left, cell in zip(lefts, row, strict=True):
            colour = TONES[cell.tone if isinstance(cell, Mark) else None]
            parts.append(_text(left, 44 + number * LINE, cell_text(cell), colour))
    return _svg(width, 44 + len(rows) * LINE, parts)


def _text(left: float, top: float, text: str, colour: str, weight: str = "normal") -> str:
    return f"<text x='{left:.0f}' y='{top:.0f}' {FONT} fill='{colour}' font-weight='{weight}'>{escape(text)}</text>"


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    size = f"width='{width:.0f}' height='{height:.0f}' viewBox='0 0 {width:.0f} {height:.0f}'"
    ground = "<rect width='100%' height='100%' fill='#fff'/>"
    return "\n".join([f"<svg xmlns='http://www.w3.org/2000/svg' {size}>", ground, *parts, "</svg>\n"])
