"""Identities: which restaurant a cluster of listings is, in view of which restaurants there were before.

A restaurant is where the listing is that founded it; of several in one cluster the oldest stays, and the others are
merged into it. So an id survives new evidence, and whatever is merged, split and moved: the same clusters are the same
restaurants again. Listings that are gone stay members, so an id outlives every one of its listings; where even the
record of a founder is gone, its restaurant is where most of its listings are.
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
"""A listing: its platform, and its id there."""
ID_LENGTH = 13  # characters of base 32: 65 bits


@dataclass(frozen=True)
class Founding:
    """A restaurant's beginning: the listing that it was founded by, and when (UTC); `is_live`: it is not merged."""

    restaurant_id: str
    founded_by: Key
    founded_at: datetime
    is_live: bool = True

    @property
    def age(self) -> tuple[datetime, str]:
        return self.founded_at, self.restaurant_id


@dataclass(frozen=True)
class IdentityEvent:
    """One thing that happened to an identity, with the listings that it moved.

    `merged`: into `other_id`; `split`, `revived` (an id that was merged once): off `other_id`; `moved`: listings came
    from `other_id`, which goes on; `ended`: the lake holds no listing of it any more.
    """

    kind: Literal["founded", "merged", "split", "revived", "moved", "ended"]
    restaurant_id: str
    other_id: str | None = None
    listings: tuple[Key, ...] = ()


@dataclass
class Identities:
    """Per cluster its restaurant; foundings that are new or changed; and what happened."""

    ids: list[str] = field(default_factory=list)
    foundings: dict[str, Founding] = field(default_factory=dict)
    merged_into: dict[str, str | None] = field(default_factory=dict)
    events: list[IdentityEvent] = field(default_factory=list)


def identify(
    clusters: Sequence[Sequence[Key]],
    held: Mapping[Key, str],
    known: Mapping[str, Founding],
    first_seen: Mapping[Key, datetime],
    now: datetime,
) -> Identities:
    """The restaurant of each cluster.

    `held`: the restaurant that each of the listings belonged to, if any. `known` has those restaurants, and all that
    any of the listings ever founded. The outcome does not depend on the order of the clusters.
    """
    found = Identities()
    owned = _owned(clusters, held, known)
    for number, cluster in enumerate(clusters):
        founding = min(owned[number], key=lambda each: each.age, default=None) or _found(cluster, first_seen, now)
        found.ids.append(founding.restaurant_id)
        if not founding.is_live or founding.restaurant_id not in known:
            found.foundings[founding.restaurant_id] = replace(founding, is_live=True)
    _tell(found, clusters, held, known)
    return found


def new_id(listing: Key) -> str:
    """The id of the restaurant that a listing founds: each founds one at most."""
    digest = base64.b32encode(hashlib.sha256("/".join(listing).encode()).digest()).decode().lower()
    return f"rest-{digest[:ID_LENGTH]}"


def _owned(
    clusters: Sequence[Sequence[Key]], held: Mapping[Key, str], known: Mapping[str, Founding]
) -> dict[int, list[Founding]]:
    """By number of cluster, the restaurants that were founded in it, or whose founder is gone and most listings are."""
    at = {listing: number for number, cluster in enumerate(clusters) for listing in cluster}
    bearing: dict[str, Counter[int]] = defaultdict(Counter)
    for listing, number in at.items():
        if listing in held:
            bearing[held[listing]][number] += 1
    owned: dict[int, list[Founding]] = defaultdict(list)
    for founding in known.values():
        bearers = bearing[founding.restaurant_id]
        if founding.founded_by in at:
            owned[at[founding.founded_by]].append(founding)
        elif bearers:
            owned[min(bearers, key=lambda number: (-bearers[number], min(clusters[number])))].append(founding)
    return owned


def _found(cluster: Sequence[Key], first_seen: Mapping[Key, datetime], now: datetime) -> Founding:
    """A new restaurant, founded by the listing that was seen first."""
    founder = min(cluster, key=lambda listing: (first_seen[listing], listing))
    return Founding(new_id(founder), founder, now)


def _tell(
    found: Identities, clusters: Sequence[Sequence[Key]], held: Mapping[Key, str], known: Mapping[str, Founding]
) -> None:
    """What happened, in order of ids."""
    now_in = {listing: name for name, cluster in zip(found.ids, clusters, strict=True) for listing in cluster}
    came: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for listing, name in now_in.items():
        if held.get(listing, name) != name:
            came[name, held[listing]].append(listing)
    gone = {each.restaurant_id: each for each in known.values() if each.is_live and each.restaurant_id not in found.ids}
    for name, founding in gone.items():
        heirs = {heir: len(listings) for (heir, origin), listings in came.items() if origin == name}
        found.merged_into[name] = now_in.get(founding.founded_by) or max(
            heirs, key=lambda heir: (heirs[heir], heir), default=None
        )
    events: list[IdentityEvent] = []
    for (name, origin), listings in came.items():
        if found.merged_into.get(origin) == name:
            continue
        kind: Literal["revived", "split", "moved"] = "moved"
        if name in found.foundings:
            kind = "revived" if name in known else "split"
        events.append(IdentityEvent(kind, name, origin, tuple(sorted(listings))))
    told = {event.restaurant_id for event in events}
    events += [
        IdentityEvent("revived" if name in known else "founded", name) for name in found.foundings if name not in told
    ]
    for name, heir in found.merged_into.items():
        moved = tuple(sorted(came.get((heir, name), []))) if heir else ()
        events.append(IdentityEvent("merged" if heir else "ended", name, heir, moved))
    found.events = sorted(events, key=lambda event: (event.restaurant_id, event.kind, event.other_id or ""))
