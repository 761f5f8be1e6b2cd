"""The report as plain text, for a terminal or a file."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table as Drawn
from rich.text import Text

from sync_platform.compliance.chapters import TITLE, chapters_of, title_lines
from sync_platform.compliance.report import Report
from sync_platform.compliance.section import Section, Table, is_figure, text_of_cell

WIDTH = 160


def text_of(report: Report) -> str:
    """The whole report."""
    file = io.StringIO()
    console = Console(file=file, width=WIDTH, highlight=False, markup=False, emoji=False, color_system=None)
    console.print(f"{TITLE}\n{'=' * len(TITLE)}")
    for name, value in title_lines(report):
        console.print(f"{name}: {value}")
    for section in chapters_of(report):
        for part in _parts(section):
            console.print(part)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _parts(section: Section) -> Iterator[RenderableType]:
    title = f"{section.number}. {section.title}"
    yield f"\n{title}\n{'-' * len(title)}"
    yield from section.paragraphs
    for table in section.tables:
        yield f"\n{table.caption}" if table.rows else f"\n{table.caption}: {table.nothing}"
        if table.rows:
            yield _drawn(table)


def _drawn(table: Table) -> Drawn:
    drawn = Drawn(box=box.SIMPLE, pad_edge=False)
    for number, name in enumerate(table.columns):
        figures = all(is_figure(row[number]) for row in table.rows)
        drawn.add_column(Text(name.replace("\u00ad", "")), overflow="fold", justify="right" if figures else "left")
    for row in table.rows:
        drawn.add_row(*(Text(text_of_cell(cell)) for cell in row))
    return drawn
