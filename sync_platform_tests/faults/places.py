"""Where a fault can strike: the kinds of request that a connector makes, and which of them is hit.

What belongs here: each platform's stages, and how one request of a stage is named to the sandbox. What doesn't: what
must hold afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from sync_platform.sandbox.faults import LIST_FAULTS

Which = Literal["every", "first", "middle", "last"]
ATTEMPTS = 2


@dataclass(frozen=True)
class Stage:
    """One kind of request: the part of its path that tells it, and what the list faults can do to its answer."""

    path: str
    holds: Literal["list", "record", "table"] = "list"
    special: frozenset[str] = frozenset()

    def can_play(self, fault: str) -> bool:
        """Whether the sandbox can play the fault here; one in the connection it can play anywhere."""
        if fault not in LIST_FAULTS or fault in self.special:
            return True
        if fault in ("retyped", "unknown-field"):
            return self.holds != "table"
        return self.holds == "list" and fault not in ("cap", "omitted-ids", "mismatch")


STAGES: dict[str, tuple[Stage, ...]] = {
    "data_gov_hk": (
        Stage("/LP_Restaurants_EN.XML", special=frozenset({"mismatch"})),
        Stage("/LP_Restaurants_TC.XML", special=frozenset({"mismatch"})),
    ),
    "openrice": (
        Stage("/api/v2/metadata/region/all", "table"),
        Stage("/api/pois?", special=frozenset({"cap"})),
        Stage("/reviews?"),
    ),
    "tripadvisor": (
        Stage("/locations/search?"),
        Stage("/locations?", special=frozenset({"omitted-ids"})),
        Stage("/reviews?"),
    ),
    "eatigo": (Stage("/v1/branches?"), Stage("/v1/promotions?")),
    "chope": (Stage("/v1/restaurants?"), Stage("/v1/reservations?")),
    "foodpanda": (Stage("/vendors?"), Stage("/reviews/vendor/")),
    "keeta": (
        Stage("/base/oauth/token", "table"),
        Stage("/base/authorized/resource/get"),
        Stage("/scm/shop/base/get", "record"),
        Stage("/product/spu/list"),
    ),
    "bistrochat": (Stage("/v1/venues?"), Stage("/v1/posts?")),
}


@dataclass(frozen=True)
class Strike:
    """A fault, the stage it strikes, which of its requests, and whether trying again helps.

    `in_a_lake`: what comes of it is taken into a real lake, and not only looked at.
    """

    platform: str
    fault: str
    stage: Stage
    which: Which
    once: bool = False
    value: float | None = None
    in_a_lake: bool = False

    def __str__(self) -> str:
        name = self.stage.path.strip("/?").rpartition("/")[2]
        return f"{self.platform}-{self.fault}-{name}-{self.which}{'-once' if self.once else ''}"

    def asked_of(self, requests: list[str]) -> dict[str, Any]:
        """The fault as the sandbox takes it; `requests` are those of an undisturbed sync, in order.

        A request that comes alone is told by its text; one whose text others contain (the first of a cursor, every
        POST) by its number.
        """
        asked: dict[str, Any] = {"platform": self.platform, "fault": self.fault, "match": self.stage.path}
        if self.value is not None:
            asked["value"] = self.value
        if self.which == "every":
            return asked | ({"times": 1} if self.once else {})
        own = [text[text.index("/", 1) :] for text in requests if self.stage.path in text]  # without the platform
        number = {"first": 0, "middle": len(own) // 2, "last": len(own) - 1}[self.which]
        times = 1 if self.once else ATTEMPTS
        if sum(own[number] in text for text in requests) > 1:
            return asked | {"nth": number + 1, "times": times}
        return asked | {"match": own[number]} | ({"times": 1} if self.once else {})


@dataclass
class Recorder(httpx.AsyncHTTPTransport):
    """A transport over the network that keeps the path and query of every request."""

    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(verify=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.url.raw_path.decode())
        return await super().handle_async_request(request)
