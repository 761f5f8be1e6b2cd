"""What every platform's view is: which places it lists, and how it answers.

What belongs here: listing places on a platform, and the interface the server calls. What doesn't: wire shapes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, ClassVar

from sync_platform.sandbox.chance import draws
from sync_platform.sandbox.evolution import HISTORY_BEGINS
from sync_platform.sandbox.places import Place
from sync_platform.sandbox.wire import Listing, Reply, Request, json_reply

if TYPE_CHECKING:
    from sync_platform.sandbox.city import City


@dataclass(frozen=True, slots=True)
class Entry:
    """A place as listed on one platform from `since` on, until the day `until` (which may lie in the future).

    `number` makes the platform's own id: the place's key, or the odd number after it for a second listing.
    `noise` seeds everything the platform gets wrong about it.
    """

    place: Place
    number: int
    since: date
    until: date
    noise: int

    def is_listed(self, day: date) -> bool:
        return self.since <= day < self.until

    def stream(self) -> Random:
        """The entry's own noise, from its start."""
        return Random(self.noise)

    def touched(self, today: date) -> date:
        """The last day not after `today` on which the platform changed the record."""
        if today >= self.until:
            return self.until
        period = 25 + self.noise % 80
        regular = self.since + timedelta(days=(today - self.since).days // period * period)
        return max(self.since, regular, self.place.last_change(today))


@dataclass(frozen=True, slots=True)
class TrueListing:
    """One row of the ground truth: this id of the platform is this place."""

    place: Place
    source_id: str
    since: date
    until: date
    duplicate_of: str = ""


class View(ABC):
    """One platform's view of the city on its day."""

    platform: ClassVar[str]
    share: ClassVar[float]

    def __init__(self, city: City) -> None:
        self.city, self.seed, self.today = city, city.seed, city.today

    @abstractmethod
    def answer(self, request: Request) -> Reply | Listing:
        """The answer to a request below the platform's prefix."""

    @abstractmethod
    def truth(self) -> Iterator[TrueListing]:
        """Every listing there ever was up to today."""

    @cached_property
    def entries(self) -> list[Entry]:
        """Every place the platform has ever listed up to today, in no telling order."""
        found = []
        for place in self.city.places:
            stream = draws(self.seed, self.platform, place.key)
            if stream.random() >= self.share:
                continue
            since = place.opened + timedelta(days=stream.randint(0, 60))
            until = place.closed + timedelta(days=stream.randint(0, 92))
            if since <= self.today and since < until and until > HISTORY_BEGINS:
                found.append(Entry(place, place.key, since, until, stream.getrandbits(48)))
        found.sort(key=lambda entry: entry.noise)
        return found

    @cached_property
    def listed(self) -> list[Entry]:
        """The entries listed today."""
        return [entry for entry in self.entries if entry.is_listed(self.today)]

    def refuse(self, status: int, message: str) -> Reply:
        """The platform's own way of saying no."""
        return json_reply({"error": {"code": status, "message": message}}, status)

    def fail_inside_200(self) -> Reply:
        """An error inside HTTP 200; only platforms that do so have one."""
        raise NotImplementedError

    def missing(self, request: Request) -> Reply:
        return self.refuse(404, f"nothing at {request.path}")
