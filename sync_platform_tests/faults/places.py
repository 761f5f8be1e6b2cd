"""Where a fault can happen: the kinds of requests of a connector, and the one that is hit.

What belongs here: a platform's stages, from its fixture, and how a fault names one request of a stage. What doesn't:
what must be true afterwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import httpx

from sync_platform.sandbox.faults import CONNECTION_FAULTS, LIST_FAULTS
from sync_platform_tests.platforms.replay import read_fixture

Which = Literal["every", "first", "middle", "last"]
ATTEMPTS = 2


@dataclass(frozen=True)
class Stage:
    """One kind of request: the part of its path that identifies it, and the content of its answer."""

    path: str
    content: Literal["list", "record", "none"] = "list"
    special: frozenset[str] = frozenset()

    def can_play(self, fault: str) -> bool:
        """True if the sandbox can play the fault here. It can play a fault of the connection anywhere."""
        if fault in CONNECTION_FAULTS or fault in self.special:
            return True
        if fault in ("retyped", "unknown-field"):
            return self.content != "none"
        return self.content == "list" and fault in LIST_FAULTS


@cache
def stages_of(platform: str) -> tuple[Stage, ...]:
    """The kinds of request that the platform's fixture has, in its order."""
    stages: dict[str, Stage] = {}
    for exchange in read_fixture(platform, "exchanges.json"):
        path = _common_part(exchange["request"]["path"])
        special = frozenset(exchange.get("special_faults", ()))
        stages.setdefault(path, Stage(path, exchange.get("content", "list"), special))
    return tuple(stages.values())


def sends_bodies(platform: str) -> bool:
    """True if requests differ only in their bodies, so that a fault must name them by number."""
    return any(exchange["request"].get("method") == "POST" for exchange in read_fixture(platform, "exchanges.json"))


def _common_part(path: str) -> str:
    """The last part of a path that is the same for all records: ids, which have digits, are left out."""
    parts = re.split(r"/(?=[^/]*\d)(?!v\d+/)[^/]+", path + "?")
    return next(part for part in reversed(parts) if part.strip("/?"))


@dataclass(frozen=True)
class FaultCase:
    """A fault, its stage, and the requests of the stage that it hits. `once`: a retry succeeds.

    `in_a_lake`: the result is committed to a real lake, and not only compared as rows.
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
        """The fault in the sandbox's JSON; `requests` are those of an undisturbed sync, in order.

        A request with a unique text is named by its text. A request whose text others contain (the first of a cursor,
        every POST) is named by its number.
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
    """A network transport that records the path and query of every request, with a `?` between them."""

    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(verify=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path, _, query = request.url.raw_path.decode().partition("?")
        self.requests.append(f"{path}?{query}")
        return await super().handle_async_request(request)
