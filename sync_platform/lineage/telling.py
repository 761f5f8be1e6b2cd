"""A story as it is told: titles, items and notes, to be written as text or as a page.

What belongs here: the form, values in words, and numbers for the changes that a story refers to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sync_platform.lineage.record import Step

INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""What a value may hold to command a terminal, or to look like another value."""


@dataclass(frozen=True)
class Item:
    """One line, with the numbers of the notes it rests on, and lines below it."""

    text: str
    notes: tuple[int, ...] = ()
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Section:
    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Telling:
    """A story in words. Each of `notes` is numbered, from 1, as items name it."""

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[Item, ...]


@dataclass
class Notes:
    """Numbers for steps, in the order in which they are first referred to: one change, one number."""

    steps: list[Step] = field(default_factory=list)
    _numbers: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def number(self, step: Step | None) -> tuple[int, ...]:
        """The step's number; none for no step."""
        if step is None:
            return ()
        change = step.change
        key = (change.table, change.entity_id, change.observed_at, change.committed_at)
        if key not in self._numbers:
            self.steps.append(step)
            self._numbers[key] = len(self.steps)
        return (self._numbers[key],)


def shown(value: Any) -> str:
    """A value in words, on one line, with nothing in it that a terminal would follow."""
    if value is None or value == []:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    if isinstance(value, dict):
        return ", ".join(f"{plain(name)} {shown(item)}" for name, item in value.items())
    return f"“{plain(value)}”" if isinstance(value, str) else str(value)


def plain(text: str) -> str:
    """The text with what is invisible in it spelt out."""
    return INVISIBLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
