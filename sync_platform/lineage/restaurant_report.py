"""Everything about one restaurant for an auditor: its story, its related records counted, and whether it is proven.

What belongs here: the report as data. `restaurant_report_document` writes it for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from sync_platform.lineage.findings import Findings
from sync_platform.lineage.origin import LandedOrigin
from sync_platform.lineage.provenance import FieldProvenance
from sync_platform.lineage.record_story import StorySources
from sync_platform.lineage.restaurant_story import RestaurantStory, read_restaurant_story
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.related_records import RECORD_KINDS

PROVEN = ("intact", "gone")
"""The states of a landed line that contradict nothing; pages are deleted after their retention."""


@dataclass(frozen=True)
class RelatedCount:
    """The reviews, offers, reservations or posts that one dataset has of the restaurant. Times are UTC."""

    kind: str
    platform: str
    dataset: str
    live: int
    removed: int
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True)
class RestaurantReport:
    """The report. `prepared_by`, `organisation`, `contact` and `environment` say who made it, and where."""

    story: RestaurantStory
    related: tuple[RelatedCount, ...]
    findings: Findings
    made_at: datetime
    prepared_by: str
    organisation: str
    contact: str
    environment: str

    @property
    def origins(self) -> list[LandedOrigin]:
        """Every landed line from which the restaurant's fields come, once."""
        origins = {(origin.object, origin.line): origin for origin in _origins(self.story)}
        return [origins[place] for place in sorted(origins)]

    @property
    def unproven(self) -> list[LandedOrigin]:
        """The landed lines that do not hold what the history says."""
        return [origin for origin in self.origins if origin.state not in PROVEN]

    @property
    def is_proven(self) -> bool:
        return self.findings.holds and not self.unproven

    @property
    def verdict(self) -> str:
        """Whether the history of the restaurant is proven, in one sentence."""
        if not self.findings.holds:
            more = len(self.findings.breaks) - 1
            others = f" (and {more:,} more)" if more else ""
            return f"Not proven: the history of this installation is broken: {self.findings.breaks[0]}{others}"
        if self.unproven:
            first = self.unproven[0]
            return f"Not proven: {first.object}, line {first.line}: {first.words} ({len(self.unproven):,} such lines)"
        gone = sum(origin.state == "gone" for origin in self.origins)
        past = f"; {gone:,} more are past their retention" if gone else ""
        return (
            f"Proven: {self.findings.batches:,} batches with {self.findings.changes:,} changes and "
            f"{self.findings.audit_entries:,} audit entries are intact, and {len(self.origins) - gone:,} landed lines "
            f"hold what the history says{past}"
        )


def read_related_counts(session: duckdb.DuckDBPyConnection, restaurant_id: str) -> tuple[RelatedCount, ...]:
    """The counts of every kind and dataset that has records of the restaurant, in order."""
    present = session.execute(
        "SELECT view_name FROM duckdb_views() WHERE database_name = ? AND schema_name = 'unified'", [LAKE]
    ).fetchall()
    related_counts = []
    for kind in (kind for kind in RECORD_KINDS if (kind,) in present):
        rows = session.execute(
            f"""SELECT platform, dataset, count(*) FILTER (removed_at IS NULL),
                count(*) FILTER (removed_at IS NOT NULL), min(first_seen_at), max(first_seen_at)
            FROM {LAKE}.unified.{kind} WHERE restaurant_id = ? GROUP BY ALL ORDER BY ALL""",
            [restaurant_id],
        ).fetchall()
        related_counts += [RelatedCount(kind, *row) for row in rows]
    return tuple(related_counts)


def read_story_with_counts(
    history: StorySources, platforms: Mapping[str, Platform], restaurant_id: str
) -> tuple[RestaurantStory, tuple[RelatedCount, ...]]:
    """The story of a restaurant, and its related records counted. Raises what `read_restaurant_story` raises."""
    story = read_restaurant_story(history, platforms, restaurant_id)
    return story, read_related_counts(history.session, story.restaurant_id)


def _origins(story: RestaurantStory) -> Iterator[LandedOrigin]:
    revised = (field.provenance for revision in story.revisions for field in revision.fields if field.provenance)
    for provenance in (*story.fields, *revised):
        yield from _origins_of(provenance)


def _origins_of(provenance: FieldProvenance) -> Iterable[LandedOrigin]:
    sources = (claim.source for claim in provenance.claims)
    return (source.origin for source in sources if source and source.origin)
