"""A document as plain text, for a terminal or a file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from sync_platform.documents.document import Cell, Document, DocumentTable, Item, Mark, Section, Tone, cell_text
from sync_platform.documents.wording import visible

WIDTH = 160
SOFT_HYPHEN = "\u00ad"
STYLES: dict[Tone | None, str] = {"good": "green", "bad": "bold red", "muted": "dim", None: ""}


def text_of(document: Document, terminal_width: int | None = None) -> str:
    """The document; without `terminal_width` in 160 columns and without colours, as for a file.

    Paragraphs are wrapped; each item of a list is one line, indented below the item that it belongs to.
    """
    file = io.StringIO()
    console = Console(
        file=file,
        width=terminal_width or WIDTH,
        force_terminal=terminal_width is not None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in _parts(document):
        console.print(part, soft_wrap=isinstance(part, str))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _parts(document: Document) -> Iterator[RenderableType]:
    """The parts to print. A string is a line that is not wrapped; a Text is a paragraph."""
    yield from _heading(document.title, "=")
    if document.verdict:
        yield _cell(document.verdict)
    for name, value in document.facts:
        yield Text(visible(f"{name}: {value}"))
    yield from map(Text, map(visible, document.lead))
    for number, section in enumerate(document.sections, 1):
        yield ""
        yield from _section(number, section)
    if document.notes:
        yield ""
        yield from _heading(document.notes_title, "-")
        for number, note in enumerate(document.notes, 1):
            yield visible(f"[{number}] {note.text}")
            yield from _lines(note.items, 2)


def _section(number: int, section: Section) -> Iterator[RenderableType]:
    yield from _heading(f"{number}. {section.title}", "-")
    yield from map(Text, map(visible, section.paragraphs))
    for table in section.tables:
        yield ""
        yield visible(table.caption if table.rows else f"{table.caption}: {table.empty}")
        if table.rows:
            yield _table(table)
    yield from _lines(section.items, 0)


def _heading(title: str, line: str) -> Iterator[str]:
    yield visible(title)
    yield line * len(visible(title))


def _lines(items: Iterable[Item], depth: int) -> Iterator[str]:
    for item in items:
        notes = "".join(f" [{number}]" for number in item.notes)
        yield f"{'  ' * depth}{visible(item.text)}{notes}"
        yield from _lines(item.items, depth + 1)


def _table(table: DocumentTable) -> RichTable:
    drawn = RichTable(box=box.SIMPLE, pad_edge=False)
    for name, is_figure in zip(table.columns, table.are_figures, strict=True):
        heading = Text(visible(name.replace(SOFT_HYPHEN, "")))
        drawn.add_column(heading, overflow="fold", justify="right" if is_figure else "left")
    for row in table.rows:
        drawn.add_row(*map(_cell, row))
    return drawn


def _cell(cell: Cell) -> Text:
    return Text(visible(cell_text(cell)), STYLES[cell.tone] if isinstance(cell, Mark) else "")
