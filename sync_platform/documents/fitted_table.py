"""A table that is readable at every width: on a terminal, through a pipe, without colour.

What belongs here: which columns are shown, and how wide each of them is. Nothing is cut: a column is wrapped or left
out, or the table is written as one block of lines per row. A word of an id is never broken.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from rich.box import HEAVY_HEAD, Box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from sync_platform.documents.wording import verbatim

LEAST_WIDTH = 18
"""The fewest columns of the terminal into which a text is wrapped."""
LONGEST_WORD = 64
"""A longer word of a text, such as an address, is broken where it has to be."""
EDGE, EDGE_PER_COLUMN = 1, 3
"""The width of a table's lines and margins: its own, and that of each column."""

BREAK = re.compile(r"[\s\u2e80-\ufffd]")
"""Where a line may be broken: at a blank, and at a Chinese character."""

Line = Table | str
"""A part to print. A string is a line that is never wrapped."""


class FittedTable:
    """Rows of texts, fitted to a width when they are printed.

    `numbers`: columns aligned right. `unbroken`: columns whose cells are never wrapped, as are those in which every
    cell is one word. `optional`: columns that are left out where the table is too wide, the first of them first.
    `footer`: a cell below each column. `remedy`: where a reader finds the columns that were left out.
    """

    def __init__(
        self,
        columns: Iterable[str | Text],
        *,
        numbers: Collection[str] = (),
        unbroken: Collection[str] = (),
        optional: Sequence[str] = (),
        footer: Sequence[str | Text] = (),
        title: str = "",
        box: Box = HEAVY_HEAD,
        has_lines: bool = False,
        remedy: str = "--json has all",
    ) -> None:
        self.header = [_text(name) for name in columns]
        self.footer = [_text(cell) for cell in footer]
        self.rows: list[list[Text]] = []
        self._names = [name.plain for name in self.header]
        self._are_numbers = [name in numbers for name in self._names]
        self._are_unbroken = [name in unbroken for name in self._names]
        self._optional = [self._names.index(name) for name in optional]
        self._title, self._box, self._has_lines, self._remedy = verbatim(title), box, has_lines, remedy

    def add_row(self, *cells: str | Text) -> None:
        self.rows.append([_text(cell) for cell in cells])

    def parts(self, width: int) -> Iterator[Line]:
        """What to print for a width, in columns of the terminal."""
        naturals = [self._natural(number) for number in range(len(self.header))]
        leasts = [self._least(number, natural) for number, natural in enumerate(naturals)]
        columns, left_out = list(range(len(self.header))), list(self._optional)
        while left_out and not _fits(leasts, columns, width):
            columns.remove(left_out.pop(0))
        if not _fits(leasts, columns, width):
            yield from self._blocks(width)
            return
        yield self._table(dict(zip(columns, _widths(naturals, leasts, columns, width), strict=True)))
        missing = [self._names[number] for number in self._optional if number not in columns]
        if missing:
            yield f"Left out at {width} columns: {', '.join(missing)}; {self._remedy}"

    def _column(self, number: int) -> list[Text]:
        """The cells of a column, with its header and footer."""
        footer = self.footer[number : number + 1]
        return [self.header[number], *footer, *(row[number] for row in self.rows)]

    def _natural(self, number: int) -> int:
        """The width of a column without wrapping."""
        return max(_width(cell) for cell in self._column(number))

    def _least(self, number: int, natural: int) -> int:
        """The width below which a column is not readable."""
        cells = [row[number] for row in self.rows]
        if self._are_unbroken[number] or all(_is_word(cell) for cell in cells):
            return natural
        least = 0 if self._are_numbers[number] else LEAST_WIDTH
        longest = max((_longest_word(cell) for cell in cells), default=0)
        return min(natural, max(least, min(longest, LONGEST_WORD), _longest_word(self.header[number])))

    def _table(self, widths: dict[int, int]) -> Table:
        table = Table(
            header_style="bold",
            box=self._box,
            show_lines=self._has_lines,
            show_footer=bool(self.footer),
            title=Text(self._title) if self._title else None,
            title_justify="left",
            pad_edge=self._box is HEAVY_HEAD,
        )
        for number, width in widths.items():
            table.add_column(
                self.header[number],
                self.footer[number] if self.footer else "",
                justify="right" if self._are_numbers[number] else "left",
                overflow="fold",
                width=width,
            )
        for row in self.rows:
            table.add_row(*(row[number] for number in widths))
        return table

    def _blocks(self, width: int) -> Iterator[Line]:
        """Every row as a block of lines, one for each column: its name and the cell."""
        if self._title:
            yield self._title
        names = [name.replace("\n", " ") for name in self._names]
        indent = max(map(cell_len, names)) + 2
        for number, row in enumerate(self.rows, 1):
            yield f"-- {number} of {len(self.rows)} ".ljust(min(width, 40), "-")
            for name, cell in zip(names, row, strict=True):
                if indent + _longest_word(cell) > width:
                    yield f"{name}{' ' * (indent - cell_len(name))}{cell.plain}"
                else:
                    grid = Table.grid()
                    grid.add_column(width=indent)
                    grid.add_column(overflow="fold", max_width=width - indent)
                    grid.add_row(Text(name), cell)
                    yield grid


def _text(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(verbatim(cell))


def _width(cell: Text) -> int:
    return max((cell_len(line) for line in cell.plain.split("\n")), default=0)


def _is_word(cell: Text) -> bool:
    """Whether no line of the cell has a place where it may be broken."""
    return not BREAK.search(cell.plain.replace("\n", ""))


def _longest_word(cell: Text) -> int:
    return max(map(cell_len, BREAK.split(cell.plain)), default=0)


def _fits(widths: Sequence[int], columns: Collection[int], available: int) -> bool:
    return sum(widths[number] for number in columns) + EDGE + EDGE_PER_COLUMN * len(columns) <= available


def _widths(naturals: Sequence[int], leasts: Sequence[int], columns: Sequence[int], available: int) -> list[int]:
    """The widths of the shown columns: what is left of the least widths goes to the narrowest columns first."""
    spare = available - EDGE - EDGE_PER_COLUMN * len(columns) - sum(leasts[number] for number in columns)
    widths = {number: leasts[number] for number in columns}
    wanting = sorted(columns, key=lambda number: naturals[number] - leasts[number])
    for position, number in enumerate(wanting):
        more = min(naturals[number] - leasts[number], spare // (len(wanting) - position))
        widths[number] += more
        spare -= more
    return [widths[number] for number in columns]
