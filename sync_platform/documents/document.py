"""The model of every story and report that people read: a title, facts, sections and numbered notes.

What belongs here: the parts of a document. `text` and `html` write them. The JSON that programs read is made from the
figures themselves, not from a document.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "bad", "muted"]
SHARE = re.compile(r"\d+(\.\d+)?%")


@dataclass(frozen=True)
class Mark:
    """A cell with a colour. `detail` is shown when the pointer is over it."""

    text: str
    tone: Tone | None = None
    detail: str = ""


Cell = str | int | Mark | None
"""An integer is a count. None is a value that does not exist or was not measured; it is written as a dash."""
Row = tuple[Cell, ...]


@dataclass(frozen=True)
class DocumentTable:
    """A table. `empty` is written in place of a table that has no rows.

    `optional`: the columns that a text leaves out where the table is too wide, the first of them first.
    """

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[Row]
    empty: str = "none on record"
    optional: tuple[str, ...] = ()

    @property
    def are_figures(self) -> list[bool]:
        """By column, whether all of its cells are figures, which are aligned to the right."""
        return [all(_is_figure(row[number]) for row in self.rows) for number in range(len(self.columns))]


@dataclass(frozen=True)
class Item:
    """One line of a list, the numbers of the notes that prove it, and the lines below it."""

    text: str
    notes: tuple[int, ...] = ()
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Section:
    """A section. Its number is its place in the document."""

    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[DocumentTable] = ()
    items: Sequence[Item] = ()


@dataclass(frozen=True)
class Document:
    """A whole document. `facts` are the names and values of the title block, which begins with the verdict, if there is
    one; `notes` are numbered from 1, as items refer to them."""

    title: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    lead: Sequence[str] = ()
    notes_title: str = "Notes"
    notes: Sequence[Item] = ()
    verdict: Mark | None = None


def cell_text(cell: Cell) -> str:
    """A cell's text."""
    if cell is None:
        return "–"
    if isinstance(cell, Mark):
        return cell.text
    return f"{cell:,}" if isinstance(cell, int) else cell


def _is_figure(cell: Cell) -> bool:
    return cell is None or isinstance(cell, int) or bool(SHARE.match(cell_text(cell)))
