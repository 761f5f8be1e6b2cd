"""The view of one platform: which places it lists, and how it answers.

What belongs here: listing places on a platform, and the interface that the server calls. What doesn't: wire shapes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from random import Random
from typing import ClassVar

from sync_platform.sandbox.chance import draws
from sync_platform.sandbox.evolution import HISTORY_BEGINS
from sync_platform.sandbox.faults import PAGED
from sync_platform.sandbox.true_places import TruePlace
from sync_platform.sandbox.wire import ListAnswer, WireReply, WireRequest, json_reply


@dataclass(frozen=True, slots=True)
class PlatformEntry:
    """A place as listed on one platform from `since` on, until the day `until` (which may lie in the future).

    `number` makes the platform's own id: the place's key, or the odd number after it for a second listing.
    `noise` seeds every mistake that the platform makes about the place.
    """

    place: TruePlace
    number: int
    since: date
    until: date
    noise: int

    def is_listed(self, day: date) -> bool:
        return self.since <= day < self.until

    def stream(self) -> Random:
        """The entry's own random stream, from its start."""
        return Random(self.noise)

    def updated_on(self, today: date) -> date:
        """The last day up to `today` on which the platform changed the record."""
        if today >= self.until:
            return self.until
        period = 25 + self.noise % 80
        regular = self.since + timedelta(days=(today - self.since).days // period * period)
        return max(self.since, regular, self.place.last_change(today))


@dataclass(frozen=True, slots=True)
class TrueListing:
    """One row of the ground truth: this id of the platform belongs to this place."""

    place: TruePlace
    source_id: str
    since: date
    until: date
    duplicate_of: str = ""


class PlatformView(ABC):
    """One platform's view of the city on its day. A subclass declares what is special to its platform."""

    platform: ClassVar[str]
    """The platform's name, which is also the name of the view's module and the prefix of its paths."""
    share: ClassVar[float]
    """Share of the city's places that the platform lists, 0 to 1."""
    faults: ClassVar[frozenset[str]] = PAGED
    """The faults of `faults.FAULTS` that the platform can play."""
    special_faults: ClassVar[Mapping[str, str]] = {}
    """The faults that only this platform can play, with their meanings: its answers carry their effects."""
    has_archive: ClassVar[bool] = False
    """True if the platform has an archive: its paths begin with `/<platform>_archive/`, here with `/archive/`."""

    def __init__(self, places: Sequence[TruePlace], seed: int, today: date) -> None:
        self.places, self.seed, self.today = places, seed, today

    @abstractmethod
    def answer(self, request: WireRequest) -> WireReply | ListAnswer:
        """The answer to a request below the platform's prefix."""

    @abstractmethod
    def truth(self) -> Iterator[TrueListing]:
        """Every listing that the platform has had up to today."""

    @cached_property
    def entries(self) -> list[PlatformEntry]:
        """Every place that the platform has listed up to today, in random order."""
        entries = []
        for place in self.places:
            stream = draws(self.seed, self.platform, place.key)
            if stream.random() >= self.share:
                continue
            since = place.opened + timedelta(days=stream.randint(0, 60))
            until = place.closed + timedelta(days=stream.randint(0, 92))
            if since <= self.today and since < until and until > HISTORY_BEGINS:
                entries.append(PlatformEntry(place, place.key, since, until, stream.getrandbits(48)))
        entries.sort(key=lambda entry: entry.noise)
        return entries

    @cached_property
    def listed(self) -> list[PlatformEntry]:
        """The entries listed today."""
        return [entry for entry in self.entries if entry.is_listed(self.today)]

    def refuse(self, status: int, message: str) -> WireReply:
        """An error reply in the platform's own shape."""
        return json_reply({"error": {"code": status, "message": message}}, status)

    def fail_inside_200(self) -> WireReply:
        """An error inside HTTP 200, for platforms that can play the fault `error-in-200`."""
        raise NotImplementedError

    def missing(self, request: WireRequest) -> WireReply:
        """The reply to a path that the platform does not have."""
        return self.refuse(404, f"nothing at {request.path}")
