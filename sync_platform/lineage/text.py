"""A telling as plain text, for a terminal or a file."""

from __future__ import annotations

from collections.abc import Iterator

from sync_platform.lineage.chapters import NOTES
from sync_platform.lineage.telling import Item, Telling


def text_of(telling: Telling) -> str:
    """The whole telling; each line is one thing, indented below what it belongs to."""
    return "\n".join(_lines(telling)) + "\n"


def _lines(telling: Telling) -> Iterator[str]:
    yield telling.title
    yield "=" * len(telling.title)
    yield from telling.lead
    for section in telling.sections:
        if section.items:
            yield from ("", section.title, "-" * len(section.title))
            for item in section.items:
                yield from _item(item, 0)
    if telling.notes:
        yield from ("", f"Notes: {NOTES}", "-" * (len(NOTES) + 7))
        for number, item in enumerate(telling.notes, 1):
            yield f"[{number}] {item.text}"
            for each in item.items:
                yield from _item(each, 2)


def _item(item: Item, depth: int) -> Iterator[str]:
    notes = "".join(f" [{number}]" for number in item.notes)
    yield f"{'  ' * depth}{item.text}{notes}"
    for each in item.items:
        yield from _item(each, depth + 1)
