"""The ways to page through a list: numbered pages, cursors, offsets. Each reads a list once, to its end.

A short page is no end. A list ends with its total, with the source's own end (its number of pages, a missing cursor),
with an empty page, or with a page that repeats the ones before. Where nothing proves that a list without a total is
whole, the read says why (`ListReading.doubt_because`). A total is not used once more records came than it says; a total
that a full first page reaches may be that page's own length, so one more page is requested. The loops here know nothing
of any platform.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace

from sync_platform.sources.list_reading import MAX_PAGES, STALE_PAGES, ListReading, Slice
from sync_platform.sources.source_ids import shown_id


async def unpaged(reading: ListReading, fetch: Callable[[], Awaitable[Slice]]) -> AsyncIterator[Slice]:
    """The only page of a list that is not paged."""

    async def fetch_first(place: int) -> Slice:
        return await fetch()

    part = await reading.request(fetch_first, 1)
    if part is not None:
        yield reading.add(part, 1)


async def numbered(reading: ListReading, fetch: Callable[[int], Awaitable[Slice]], size: int) -> AsyncIterator[Slice]:
    """Pages 1 to n: the first says how many there are, or how many records; the others are fetched concurrently.

    Then pages are read one by one, as long as records of the total are missing or the list grew. A source that gives
    fewer than `size` records per page has more pages than its total says. Three pages in a row without a new record end
    the list as a finding. Without a total, an empty page among others is a finding.
    """
    first = await reading.request(fetch, 1)
    if first is None:
        return
    yield reading.add(first, 1)
    declared = first.pages if first.pages is not None or first.total is None else -(-first.total // size)
    count = min(max(declared or 1, 1), MAX_PAGES)
    reading.expect(count - 1)
    requested, received, most = 1, 1, count

    def places() -> Iterator[int]:
        nonlocal requested
        while requested < count and not reading.is_stale:
            requested += 1
            yield requested

    async def fetch_at(place: int) -> tuple[int, Slice]:
        return place, await fetch(place)

    async for place, part in reading.extraction.each(reading.dataset, places(), fetch_at):
        received, most = received + 1, max(most, part.pages or 0)
        yield reading.add(part, place)
        if not part.records:
            reading.findings.append(f"page {place} of {count:,} is empty")
    reading.is_broken = received < requested
    if reading.is_stale and requested > STALE_PAGES:
        reading.is_endless = True
        reading.expect(requested - count)
        reading.findings.append(f"of {count:,} pages {requested:,} were read: the last {STALE_PAGES} added nothing")
        return
    if first.records and not reading.is_broken:
        async for part in _pages_after(reading, fetch, count, most if declared is not None else None, size):
            yield part
    reading.doubt_short_pages()


async def _pages_after(
    reading: ListReading, fetch: Callable[[int], Awaitable[Slice]], place: int, most: int | None, size: int
) -> AsyncIterator[Slice]:
    """The pages after those that the first page announced, until a page adds nothing.

    `most`: the largest number of pages that any page announced; None where the source announces none.
    """
    if place == 1 and reading.has_all and reading.longest >= size:
        part = await reading.try_page(fetch, 2)
        if part is None:
            return
        place = 2
        yield reading.add(part, place)
    while not reading.has_all and (reading.stated_total is not None or most is None or place < most):
        if reading.is_without_end(place):
            return
        place += 1
        part = await reading.request(fetch, place)
        if part is None:
            return
        if reading.adds_nothing(part):
            yield part.without_records()
            if reading.total is None and part.records and len(part.records) >= reading.longest:
                reading.findings.append(f"{reading.name} repeats at page {place} what came before it")
            return
        most = most and max(most, part.pages or 0)
        yield reading.add(part, place)


async def by_cursor(reading: ListReading, fetch: Callable[[str | None], Awaitable[Slice]]) -> AsyncIterator[Slice]:
    """Follow cursors to the end. A repeated cursor, or three pages in a row without a new record, end it as a finding.

    Without a total, an empty page that leads on or ends the list is a finding, and the last page of a full list is
    requested twice, because nothing else shows that it is whole; a last page that has other records each time is a
    finding.
    """
    cursor: str | None = None
    cursors: set[str] = set()
    place, last_pages = 1, 0
    part = await reading.request(fetch, cursor)
    while part is not None:
        if place > 1 and part.records and reading.adds_nothing(part):
            reading.findings.append(f"page {place} repeats what came before it")
        yield reading.add(part, place)
        following = part.next_cursor
        if following is None:
            if cursor is not None and not part.records:
                reading.findings.append(
                    f"the cursor {shown_id(cursor)!r} was to lead to more records, and there are none"
                )
            last_pages += 1
            if last_pages > STALE_PAGES:
                reading.is_endless = True
                reading.findings.append(f"the last page listed other records each of {last_pages} times")
                return
            again = None if part.reply.has_no_content else await _other_last_page(reading, fetch, cursor)
            if again is None:
                break
            place, part = place + 1, again
            continue
        if not part.records:
            reading.findings.append(f"page {place} is empty, and its cursor {shown_id(following)!r} leads on")
        if reading.is_without_end(place):
            return
        if following in cursors or reading.is_stale:
            reading.is_endless = True
            reading.findings.append(
                f"the cursor never ends: {shown_id(following)!r} came again, or pages that add nothing follow"
            )
            return
        cursors.add(following)
        cursor, place = following, place + 1
        part = await reading.request(fetch, cursor)
    reading.doubt_short_pages()


async def _other_last_page(
    reading: ListReading, fetch: Callable[[str | None], Awaitable[Slice]], cursor: str | None
) -> Slice | None:
    """The last page of a full list without a total, requested again; only the records that it did not list before.

    None if it lists the same, and ends the list too.
    """
    if reading.total is not None or not reading.is_of_full_list:
        return None
    again = await reading.request(fetch, cursor, is_second=True)
    if again is None or (again.next_cursor is None and reading.adds_nothing(again)):
        return None
    reading.expect(1)
    return replace(again, records=[each for each in again.records if reading.adds(each)])


async def by_offset(
    reading: ListReading, fetch: Callable[[int], Awaitable[Slice]], limit: int, *, counts_pages: bool = False
) -> AsyncIterator[Slice]:
    """Offsets from 0, each after the records that came; with `counts_pages` the numbers of pages, from 0.

    The list ends with its total, with an empty page, or with a page that repeats the ones before; that is a finding
    after a full page. An empty page that follows a full one is requested twice, and leaves a doubt. A lost page is
    skipped, unless it is the first or follows another lost one.
    """
    position, length, place, is_after_lost = 0, 0, 0, False
    while not (place and reading.has_all) and not reading.is_without_end(place):
        is_after_full = length >= (reading.longest if place > 1 else limit) or not place
        part = await reading.request(fetch, position)
        if part is not None and is_after_full and reading.is_of_full_list and part.is_empty_list and part.total != 0:
            part = await reading.request(fetch, position, is_second=True)
        if part is None:
            if is_after_lost or not position:
                return
            is_after_lost, length = True, limit
            position += 1 if counts_pages else reading.longest
            continue
        is_after_lost = False
        if reading.adds_nothing(part):
            yield reading.add(part.without_records(), place + 1)
            if part.records and is_after_full:
                where = f"page {position + 1}" if counts_pages else f"offset {position}"
                reading.findings.append(f"{reading.name} repeats at {where} what came before it")
            elif is_after_full:
                reading.doubt_because("ends with an empty page right after a full one")
            break
        overlap = 0 if counts_pages else max(0, reading.longest - length)
        place, length = place + 1, len(part.records)
        yield reading.add(part, place, overlap=overlap)
        position += 1 if counts_pages else length
        if place == 1 and reading.has_all and length >= limit:
            second = await reading.try_page(fetch, position)
            if second is not None:
                place, length = 2, len(second.records)
                yield reading.add(second, place)
                position += 1 if counts_pages else length
    if counts_pages:
        reading.doubt_short_pages()
    if reading.total is not None:
        reading.findings.append(f"{reading.name} ends at {reading.distinct:,} of {reading.total:,} {reading.noun}")
