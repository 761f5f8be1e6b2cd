"""The known gaps of an extraction: per dataset, and of one part of a list while it is fetched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_LISTED = 100
MAX_CHARS = 1_000  # of one text: an address with a cursor can be longer than a page
MAX_CLAIMED = 2**53  # a source may claim any number, and a table stores 64 bits


@dataclass
class Parts:
    """The parts of a list that are read on their own, by name: one parent's records, one slice of a search, one cell of
    a grid.

    `read`: the parts that were read whole. `unread`: the others. `unproven`: the parts that were read, and of which
    nothing proves that they are whole. `are_all_known`: True if a part that is in neither has no records, because the
    source lists all parts.
    """

    read: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    unproven: set[str] = field(default_factory=set)
    are_all_known: bool = False

    def expect(self, names: Iterable[str]) -> None:
        """These parts are going to be read."""
        expected = set(names)
        self.unread |= expected
        self.read -= expected

    def note_read(self, names: Iterable[str]) -> None:
        """These parts were read whole."""
        read_names = set(names)
        self.read |= read_names
        self.unread -= read_names


@dataclass
class Gaps:
    """What is known of one dataset's completeness; `is_known` is True if something is known to be missing.

    `claimed`: the source's own total. `findings` concern the list as a whole, `part_findings` one part each. `parent`:
    the dataset whose missing records have records here, and `missing_parents` says so in words; both empty where no
    parent is missing. `is_unproven`: nothing proves that the list is whole; `doubts` says why, of the list or a part.
    `notes`: what was odd and cost nothing. Each list of texts keeps its first hundred.
    """

    claimed: int | None = None
    pages_expected: int = 0
    failures: list[str] = field(default_factory=list)
    capped_slices: list[str] = field(default_factory=list)
    omitted_ids: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    part_findings: list[str] = field(default_factory=list)
    parent: str = ""
    missing_parents: str = ""
    parts: Parts = field(default_factory=Parts)
    is_unproven: bool = False
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        return bool(
            self.failures
            or self.capped_slices
            or self.omitted_ids
            or self.findings
            or self.part_findings
            or self.missing_parents
        )


@dataclass
class PartGaps:
    """What is known of one part while it is fetched: the source's total; `is_whole` is False once a gap is reported,
    `is_proven` once it is reported as unproven.

    `name`: the part's name; None for the list as a whole.
    """

    name: str | None = None
    claimed: int | None = None
    is_whole: bool = True
    is_proven: bool = True


def believable_total(total: int) -> int:
    """A source's total, never negative, never more than a table can store."""
    return min(max(0, total), MAX_CLAIMED)


def sum_of_claims(claimed: int | None, total: int) -> int:
    """The sum of the source's totals: `claimed` and another one; never negative, never more than a table can store."""
    return believable_total((claimed or 0) + max(0, total))


def most_left_out(left_out: int, of: int, records: str, why: str) -> str | None:
    """What is wrong where a filter leaves out more than half of the records, in words; else None."""
    if 2 * left_out <= of:
        return None
    counted = f"all {of:,}" if left_out == of else f"{left_out:,} of {of:,}"
    return f"{counted} {records} were left out: {why}"


def add_note(notes: list[str], text: str) -> None:
    """Add a text, cut where it is long. Only the first hundred are kept: a platform that fails everywhere fills no
    memory."""
    if len(notes) < MAX_LISTED:
        notes.append(text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]}…")
    elif len(notes) == MAX_LISTED:
        notes.append("… and more")
