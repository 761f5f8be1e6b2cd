"""Identities: the restaurant id of each cluster of listings, given the restaurants that existed before.

A restaurant belongs to the cluster that contains its founding listing. If one cluster has several restaurants, the
oldest stays and the others are merged into it. So the same clusters always get the same ids, even after merges, splits
and moves in between. Removed listings stay members, so an id outlives its listings. If the lake no longer has the
record of the founding listing, the restaurant belongs to the cluster with most of its listings.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

Key = tuple[str, str]
"""A listing: its platform, and its id on that platform."""
ID_LENGTH = 13  # characters of base 32: 65 bits


@dataclass(frozen=True)
class Founding:
    """The founding of a restaurant: its first listing and the time (UTC). `is_live`: it is not merged or ended."""

    restaurant_id: str
    founded_by: Key
    founded_at: datetime
    is_live: bool = True

    @property
    def age(self) -> tuple[datetime, str]:
        return self.founded_at, self.restaurant_id


@dataclass(frozen=True)
class IdentityEvent:
    """A change of a restaurant's identity, with the listings that it moved.

    `merged`: the restaurant was merged into `other_id`. `split`: it was split off `other_id`; `revived` is the same for
    an id that was merged before. `moved`: listings came from `other_id`, which continues. `ended`: the lake has no
    listing of it any more.
    """

    kind: Literal["founded", "merged", "split", "revived", "moved", "ended"]
    restaurant_id: str
    other_id: str | None = None
    listings: tuple[Key, ...] = ()


@dataclass
class Identities:
    """The restaurant id of each cluster, new or changed foundings, and the events."""

    ids: list[str] = field(default_factory=list)
    foundings: dict[str, Founding] = field(default_factory=dict)
    merged_into: dict[str, str | None] = field(default_factory=dict)
    events: list[IdentityEvent] = field(default_factory=list)


def identify(
    clusters: Sequence[Sequence[Key]],
    assigned: Mapping[Key, str],
    known: Mapping[str, Founding],
    first_seen: Mapping[Key, datetime],
    now: datetime,
    prefix: str = "rest",
) -> Identities:
    """Find the restaurant of each cluster. A new id begins with `prefix`: brands of restaurants have ids too.

    `assigned`: the restaurant that each listing belonged to, if any. `known`: those restaurants, and all that any of
    the listings ever founded. The result does not depend on the order of the clusters.
    """
    identities = Identities()
    owned = _founded_in(clusters, assigned, known)
    for number, cluster in enumerate(clusters):
        founding = min(owned[number], key=lambda candidate: candidate.age, default=None) or _new_founding(
            cluster, first_seen, now, prefix
        )
        identities.ids.append(founding.restaurant_id)
        if not founding.is_live or founding.restaurant_id not in known:
            identities.foundings[founding.restaurant_id] = replace(founding, is_live=True)
    _add_events(identities, clusters, assigned, known)
    return identities


def new_id(listing: Key, prefix: str) -> str:
    """The id of the restaurant that a listing founds. A listing founds at most one restaurant."""
    digest = base64.b32encode(hashlib.sha256("/".join(listing).encode()).digest()).decode().lower()
    return f"{prefix}-{digest[:ID_LENGTH]}"


def _founded_in(
    clusters: Sequence[Sequence[Key]], assigned: Mapping[Key, str], known: Mapping[str, Founding]
) -> dict[int, list[Founding]]:
    """The restaurants of each cluster number: the cluster with the founding listing, else with most listings."""
    cluster_numbers = {listing: number for number, cluster in enumerate(clusters) for listing in cluster}
    member_counts: dict[str, Counter[int]] = defaultdict(Counter)
    for listing, number in cluster_numbers.items():
        if listing in assigned:
            member_counts[assigned[listing]][number] += 1
    owned: dict[int, list[Founding]] = defaultdict(list)
    for founding in known.values():
        counts = member_counts[founding.restaurant_id]
        if founding.founded_by in cluster_numbers:
            owned[cluster_numbers[founding.founded_by]].append(founding)
        elif counts:
            owned[min(counts, key=lambda number: (-counts[number], min(clusters[number])))].append(founding)
    return owned


def _new_founding(cluster: Sequence[Key], first_seen: Mapping[Key, datetime], now: datetime, prefix: str) -> Founding:
    """A new restaurant, founded by the listing with the earliest first observation."""
    founder = min(cluster, key=lambda listing: (first_seen[listing], listing))
    return Founding(new_id(founder, prefix), founder, now)


def _add_events(
    identities: Identities,
    clusters: Sequence[Sequence[Key]],
    assigned: Mapping[Key, str],
    known: Mapping[str, Founding],
) -> None:
    """Add `merged_into` and the events, in order of ids, to the result."""
    current = {listing: name for name, cluster in zip(identities.ids, clusters, strict=True) for listing in cluster}
    arrivals: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for listing, name in current.items():
        if assigned.get(listing, name) != name:
            arrivals[name, assigned[listing]].append(listing)
    gone = {
        each.restaurant_id: each for each in known.values() if each.is_live and each.restaurant_id not in identities.ids
    }
    for name, founding in gone.items():
        successors = {successor: len(listings) for (successor, origin), listings in arrivals.items() if origin == name}
        identities.merged_into[name] = current.get(founding.founded_by) or max(
            successors, key=lambda successor: (successors[successor], successor), default=None
        )
    events: list[IdentityEvent] = []
    for (name, origin), listings in arrivals.items():
        if identities.merged_into.get(origin) == name:
            continue
        kind: Literal["revived", "split", "moved"] = "moved"
        if name in identities.foundings:
            kind = "revived" if name in known else "split"
        events.append(IdentityEvent(kind, name, origin, tuple(sorted(listings))))
    named = {event.restaurant_id for event in events}
    events += [
        IdentityEvent("revived" if name in known else "founded", name)
        for name in identities.foundings
        if name not in named
    ]
    for name, successor in identities.merged_into.items():
        moved = tuple(sorted(arrivals.get((successor, name), []))) if successor else ()
        events.append(IdentityEvent("merged" if successor else "ended", name, successor, moved))
    identities.events = sorted(events, key=lambda event: (event.restaurant_id, event.kind, event.other_id or ""))
