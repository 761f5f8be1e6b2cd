"""Sections, paragraphs and tables: what every form of the report that people read is written from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SHARE = re.compile(r"\d+(\.\d+)?%")
Cell = str | int | None
"""A count is a number; what there is none of is None."""


@dataclass(frozen=True)
class Table:
    """A table; `nothing` is said instead where it has no rows."""

    caption: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    nothing: str = "none on record"


@dataclass(frozen=True)
class Section:
    """A numbered section."""

    number: int
    title: str
    paragraphs: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def text_of_cell(cell: Cell) -> str:
    """A cell as people read it."""
    if cell is None:
        return "–"
    return f"{cell:,}" if isinstance(cell, int) else cell


def is_figure(cell: Cell) -> bool:
    """Whether a cell is set flush right, as figures are."""
    return cell is None or isinstance(cell, int) or bool(SHARE.match(cell))
