"""Reads all records of a source that lists only what is near a point, by a request for every cell of a grid.

What belongs here: the cells, and which of several answers about a record is used. What does not: any platform's box,
parameters or field names.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from sync_platform.sources.extraction import Extraction
from sync_platform.sources.list_proof import ListProof
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.paging import by_offset
from sync_platform.sources.received import Page, Record
from sync_platform.sources.reply import Reply


@dataclass(frozen=True)
class Grid:
    """A box cut into cells of `step` by `step` degrees, numbered from the south-west corner, row by row."""

    south: float
    north: float
    west: float
    east: float
    step: float

    def __len__(self) -> int:
        return self.rows * self.columns

    @property
    def rows(self) -> int:
        return round((self.north - self.south) / self.step)

    @property
    def columns(self) -> int:
        return round((self.east - self.west) / self.step)

    def middle(self, cell: int) -> tuple[float, float]:
        """Latitude and longitude of the middle of a cell, to a millionth of a degree."""
        row, column = divmod(cell, self.columns)
        return round(self.south + (row + 0.5) * self.step, 6), round(self.west + (column + 0.5) * self.step, 6)

    def cell_at(self, latitude: float, longitude: float) -> int | None:
        """The cell that a point lies in; None outside the box."""
        if not (self.south <= latitude < self.north and self.west <= longitude < self.east):
            return None
        row, column = int((latitude - self.south) / self.step), int((longitude - self.west) / self.step)
        return min(row, self.rows - 1) * self.columns + min(column, self.columns - 1)

    def cell_in_sql(self, latitude: str, longitude: str) -> str:
        """SQL: `cell_at` over two columns; null outside the box."""
        row, column = (
            f"floor(({latitude} - {self.south}) / {self.step})",
            f"floor(({longitude} - {self.west}) / {self.step})",
        )
        return f"""CASE WHEN {latitude} >= {self.south} AND {latitude} < {self.north}
                AND {longitude} >= {self.west} AND {longitude} < {self.east}
            THEN least({row}, {self.rows - 1})::INTEGER * {self.columns} + least({column}, {self.columns - 1})::INTEGER
            END"""


@dataclass
class WaitingRecord:
    """A record that its own cell has not listed yet, as another cell lists it: several if that cell lists it twice."""

    cell: int
    records: list[Record]
    reply: Reply


class GridCrawl:
    """Yields every record near the cells of a grid once, although several cells list it.

    The answer of the cell that a record lies in is used, so the order of the answers does not matter. A record that its
    own cell does not list (the cell failed, or the coordinates are missing or wrong) is yielded at the end, as the cell
    with the lowest number lists it. Each cell is a part of the list, with its number as its name.

    `fetch` takes a latitude, a longitude and an offset, and reads one page of the records near that point, at most
    `page_rows`; the `total` of its slice counts the records near the point. `noun` names the records in findings.
    Memory: the ids of all records, and the records whose own cell has not answered yet, with their replies.
    """

    def __init__(
        self,
        extraction: Extraction,
        dataset: str,
        grid: Grid,
        fetch: Callable[[float, float, int], Awaitable[Slice]],
        *,
        page_rows: int,
        latitude: str = "latitude",
        longitude: str = "longitude",
        noun: str = "records",
    ) -> None:
        self._extraction, self._dataset, self._grid, self._fetch = extraction, dataset, grid, fetch
        self._page_rows, self._fields, self._noun = page_rows, (latitude, longitude), noun
        self._yielded: set[str] = set()
        self._waiting: dict[str, WaitingRecord] = {}
        self._without_id = 0
        self._whole_cells: set[str] = set()

    async def pages(self) -> AsyncIterator[Page]:
        cells = range(len(self._grid))
        self._extraction.gaps[self._dataset].parts.expect(map(str, cells))
        async for cell, part in self._extraction.each_stream(self._dataset, cells, self._read):
            yield Page(self._dataset, self._of_cell(cell, part), (part.reply,))
        self._extraction.report_total(self._dataset, len(self._yielded) + len(self._waiting))
        if self._waiting:
            yield self._of_other_cells()
        # only now: when the platform stops earlier, fetched pages and the waiting records are lost
        self._extraction.gaps[self._dataset].parts.note_read(self._whole_cells)
        if self._without_id:
            finding = f"{self._noun} without an id were listed {self._without_id} times"
            self._extraction.report_finding(self._dataset, finding)

    async def _read(self, cell: int) -> AsyncIterator[tuple[int, Slice]]:
        """The pages of one cell. A cell that lists fewer records than it counts, or repeats a page, is a finding."""
        latitude, longitude = self._grid.middle(cell)
        own = self._extraction.for_part(str(cell))
        point = f"the point {latitude:.2f},{longitude:.2f}"
        proof = ListProof(own, self._dataset, has_claim=False, name=point, noun=self._noun)

        async def fetch(offset: int) -> Slice:
            return await self._fetch(latitude, longitude, offset)

        async for part in proof.slices(lambda reading: by_offset(reading, fetch, self._page_rows)):
            yield cell, part
        if own.part.is_whole:
            self._whole_cells.add(str(cell))

    def _of_cell(self, cell: int, part: Slice) -> list[Record]:
        """The records of a page that lie in its cell; the others wait for their own cell."""
        own = []
        for record in part.records:
            source_id = self._id(record)
            if source_id is None or self._cell_of(record) == cell:
                own.append(record)
                self._note_yielded(record)
            elif source_id not in self._yielded:
                self._keep_waiting(source_id, cell, record, part.reply)
        return own

    def _keep_waiting(self, source_id: str, cell: int, record: Record, reply: Reply) -> None:
        """Keep the record as the cell with the lowest number lists it.

        Both are kept if that cell lists it twice, because a contradiction must show.
        """
        known_record = self._waiting.get(source_id)
        if known_record is None or cell < known_record.cell:
            self._waiting[source_id] = WaitingRecord(cell, [record], reply)
        elif cell == known_record.cell:
            known_record.records.append(record)

    def _of_other_cells(self) -> Page:
        """The records that their own cell did not list, by id."""
        waiting = [self._waiting[source_id] for source_id in sorted(self._waiting)]
        records = [record for each in waiting for record in each.records]
        for record in records:
            self._note_yielded(record)
        replies = {each.reply.url: each.reply for each in waiting}
        return Page(self._dataset, records, tuple(replies.values()))

    def _note_yielded(self, record: Record) -> None:
        source_id = self._id(record)
        if source_id is None:
            self._without_id += 1
            return
        self._yielded.add(source_id)
        self._waiting.pop(source_id, None)

    def _id(self, record: Record) -> str | None:
        return self._extraction.source_id(self._dataset, record)

    def _cell_of(self, record: Record) -> int | None:
        latitude, longitude = (record.get(name) for name in self._fields)
        if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
            return None
        return self._grid.cell_at(latitude, longitude)
