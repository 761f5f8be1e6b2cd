"""One query of a search that lists only its first N results: its filters, its parts, and what it has listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Filters = Mapping[str, int | str]


@dataclass(frozen=True)
class SearchFilter:
    """A filter that splits a query: its name and the values that it takes."""

    name: str
    values: Sequence[int | str]


@dataclass(eq=False)
class Query:
    """One query: its filters, the source's count of its records, and the ids that it and its parts have listed."""

    filters: Filters
    name: str
    parent: Query | None = None
    is_finest: bool = False  # True if it is not split, and therefore read up to the cap
    count: int | None = None  # None: no page was read
    page_rows: int = 1  # the records of its longest page
    pages_requested: int = 0
    own_ids: set[str] = field(default_factory=set)  # those that its own pages listed
    ids: set[str] = field(default_factory=set)
    parts: list[Query] = field(default_factory=list)  # by the filter that split it
    repeats: bool = False
    has_wrong_count: bool = False  # it listed more records than it counts
    lost_a_page: bool = False
    is_reported: bool = False

    @property
    def is_answered(self) -> bool:
        return self.count is not None

    @property
    def missing(self) -> int:
        """How many of the records that it counts were not listed; 0 if that is unknown."""
        return 0 if self.repeats else max(0, (self.count or 0) - len(self.ids))

    @property
    def is_short(self) -> bool:
        """True if the query counts more records than were listed.

        If it repeats its pages this is unknown, also for its parts.
        """
        return self.count is None or self.missing > 0

    @property
    def misses_more_than_its_parts(self) -> bool:
        """True if it misses records that none of its parts counts, or that were on a lost page of a part.

        In one order, a query lists first nothing that its parts do not list first, so it cannot list what they miss.
        """
        return self.missing > sum(part.missing for part in self.parts if not part.lost_a_page)

    @property
    def with_ancestors(self) -> list[Query]:
        """This query, the query that it is a part of, and so on."""
        return [self, *(self.parent.with_ancestors if self.parent else [])]

    def split(self, search_filter: SearchFilter, is_finest: bool) -> list[Query]:
        """The query split by a filter: one part for each of its values."""
        parts = [self.narrowed({search_filter.name: value}, is_finest) for value in dict.fromkeys(search_filter.values)]
        self.parts += parts
        return parts

    def narrowed(self, filters: Filters, is_finest: bool = True) -> Query:
        """The query with more filters. The records that it lists count for this query too."""
        return Query({**self.filters, **filters}, _name({**self.filters, **filters}), self, is_finest)

    def in_order(self, order: Filters) -> Query:
        """The query in another order. The records that it lists count for this query too."""
        return Query({**self.filters, **order}, f"{self.name} {_name(order)}", self, is_finest=True)


def _name(filters: Filters) -> str:
    return " ".join(f"{name}={chosen}" for name, chosen in filters.items())
