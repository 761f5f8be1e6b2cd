"""A document as plain text, for a terminal or a file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from rich.box import SIMPLE
from rich.console import Console, RenderableType
from rich.text import Text

from sync_platform.documents.document import Cell, Document, DocumentTable, Item, Mark, Section, Tone, cell_text
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.wording import visible

WIDTH = 120
SOFT_HYPHEN = "\u00ad"
STYLES: dict[Tone | None, str] = {"good": "green", "bad": "bold red", "muted": "dim", None: ""}


def text_of(document: Document, width: int = WIDTH, *, is_coloured: bool = False) -> str:
    """The document for a width in columns.

    Paragraphs are wrapped; each item of a list is one line, indented below the item that it belongs to.
    """
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=is_coloured,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in _parts(document, width):
        console.print(part, soft_wrap=isinstance(part, str))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _parts(document: Document, width: int) -> Iterator[RenderableType]:
    """The parts to print. A string is a line that is not wrapped; a Text is a paragraph."""
    yield from _heading(document.title, "=")
    if document.verdict:
        yield _cell(document.verdict)
    for name, value in document.facts:
        yield Text(visible(f"{name}: {value}"))
    yield from map(Text, map(visible, document.lead))
    for number, section in enumerate(document.sections, 1):
        yield ""
        yield from _section(number, section, width)
    if document.notes:
        yield ""
        yield from _heading(document.notes_title, "-")
        for number, note in enumerate(document.notes, 1):
            yield visible(f"[{number}] {note.text}")
            yield from _lines(note.items, 2)


def _section(number: int, section: Section, width: int) -> Iterator[RenderableType]:
    yield from _heading(f"{number}. {section.title}", "-")
    yield from map(Text, map(visible, section.paragraphs))
    for table in section.tables:
        yield ""
        yield visible(table.caption if table.rows else f"{table.caption}: {table.empty}")
        if table.rows:
            yield from _table(table).parts(width)
    yield from _lines(section.items, 0)


def _heading(title: str, line: str) -> Iterator[str]:
    yield visible(title)
    yield line * len(visible(title))


def _lines(items: Iterable[Item], depth: int) -> Iterator[str]:
    for item in items:
        notes = "".join(f" [{number}]" for number in item.notes)
        yield f"{'  ' * depth}{visible(item.text)}{notes}"
        yield from _lines(item.items, depth + 1)


def _table(table: DocumentTable) -> FittedTable:
    names = [visible(name.replace(SOFT_HYPHEN, "")) for name in table.columns]
    numbers = [name for name, is_figure in zip(names, table.are_figures, strict=True) if is_figure]
    drawn = FittedTable(names, numbers=numbers, optional=table.optional, box=SIMPLE)
    for row in table.rows:
        drawn.add_row(*map(_cell, row))
    return drawn


def _cell(cell: Cell) -> Text:
    return Text(visible(cell_text(cell)), STYLES[cell.tone] if isinstance(cell, Mark) else "")
