"""Identities: which restaurant a cluster of listings is, in view of which restaurants its listings were before.

An id stays with most of the listings that bear it; of several that come together the oldest stays, and the others are
merged into it. What is split off gets the id back that it had before it was merged, or one of its own. So an id
survives new evidence and the end of any one listing, and what is split and merged again is what it was.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
class Turn:
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
    turns: list[Turn] = field(default_factory=list)


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
    found = Identities(ids=[""] * len(clusters))
    taken = set(known)
    won = _won(clusters, held, known)
    for number, names in won.items():
        found.ids[number] = min(names, key=lambda name: known[name].age)
    for number in sorted(range(len(clusters)), key=lambda number: min(clusters[number])):
        if not found.ids[number]:
            founding = _own(clusters[number], known, first_seen, taken, now)
            found.ids[number] = founding.restaurant_id
            found.foundings[founding.restaurant_id] = founding
            taken.add(founding.restaurant_id)
    _tell(found, clusters, held, known)
    return found


def new_id(listing: Key, number: int = 0) -> str:
    """The id of the restaurant that a listing founds; `number`: how many it founded before."""
    told = "/".join((*listing, *([str(number)] if number else [])))
    digest = base64.b32encode(hashlib.sha256(told.encode()).digest()).decode().lower()
    return f"rest-{digest[:ID_LENGTH]}"


def _won(
    clusters: Sequence[Sequence[Key]], held: Mapping[Key, str], known: Mapping[str, Founding]
) -> dict[int, list[str]]:
    """By number of cluster, the ids that stay with it: those that no other has more listings of."""
    bearing: dict[str, Counter[int]] = defaultdict(Counter)
    for number, cluster in enumerate(clusters):
        for listing in cluster:
            if listing in held:
                bearing[held[listing]][number] += 1
    won: dict[int, list[str]] = defaultdict(list)
    for name, counts in bearing.items():
        founder = known[name].founded_by

        def claim(number: int, counts: Counter[int] = counts, founder: Key = founder) -> tuple[int, bool, Key]:
            return -counts[number], founder not in clusters[number], min(clusters[number])

        won[min(counts, key=claim)].append(name)
    return won


def _own(
    cluster: Sequence[Key],
    known: Mapping[str, Founding],
    first_seen: Mapping[Key, datetime],
    taken: set[str],
    now: datetime,
) -> Founding:
    """What a cluster is that no id stayed with: what one of its listings founded once, or a new restaurant."""
    members = set(cluster)
    once = [each for each in known.values() if each.founded_by in members and not each.is_live]
    if once:
        oldest = min(once, key=lambda each: each.age)
        return Founding(oldest.restaurant_id, oldest.founded_by, oldest.founded_at)
    founder = min(cluster, key=lambda listing: (first_seen[listing], listing))
    number = 0
    while new_id(founder, number) in taken:
        number += 1
    return Founding(new_id(founder, number), founder, now)


def _tell(
    found: Identities, clusters: Sequence[Sequence[Key]], held: Mapping[Key, str], known: Mapping[str, Founding]
) -> None:
    """What happened, in order of ids."""
    living = set(found.ids)
    came: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for name, cluster in zip(found.ids, clusters, strict=True):
        for listing in cluster:
            if held.get(listing, name) != name:
                came[name, held[listing]].append(listing)
    gone = {each.restaurant_id for each in known.values() if each.is_live} - living
    turns: list[Turn] = []
    for (name, origin), listings in came.items():
        if origin in gone:
            continue
        kind: Literal["revived", "split", "moved"] = "moved"
        if name in found.foundings:
            kind = "revived" if name in known else "split"
        turns.append(Turn(kind, name, origin, tuple(sorted(listings))))
    told = {turn.restaurant_id for turn in turns}
    turns += [Turn("revived" if name in known else "founded", name) for name in found.foundings if name not in told]
    for name in gone:
        heirs = {heir: listings for (heir, origin), listings in came.items() if origin == name}
        heir = min(heirs, key=lambda other: (-len(heirs[other]), other)) if heirs else None
        found.merged_into[name] = heir
        moved = tuple(sorted(heirs[heir])) if heir else ()
        turns.append(Turn("merged" if heir else "ended", name, heir, moved))
    found.turns = sorted(turns, key=lambda turn: (turn.restaurant_id, turn.kind, turn.other_id or ""))
