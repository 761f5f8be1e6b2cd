"""Faults on demand: what can go wrong on which platform, and which request it happens to.

What belongs here: the list of faults, how one is written, and counting. What doesn't: playing them (see `wire` for
lists and `server` for the connection).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sync_platform.sandbox.errors import SandboxError

CONNECTION_FAULTS = {
    "timeout": "no answer for `value` seconds (3600), then the connection closes",
    "slow": "the answer comes after `value` seconds (2)",
    "reset": "the connection closes in the middle of the body",
    "429": "too many requests",
    "429-retry-after": "too many requests, come back after `value` seconds (1)",
    "500": "server error",
    "401": "credentials refused; Keeta says so inside HTTP 200",
    "truncated": "the body ends in the middle",
    "html": "a page for people in place of data",
    "error-in-200": "HTTP 200 with an error code of the platform's own",
}
LIST_FAULTS = {
    "empty": "the list has no records, and says so",
    "half": "the list ends at its half, totals unchanged",
    "retyped": "a field of the page's first record has another type",
    "unknown-field": "every record has a field nobody has heard of",
    "duplicates": "the page's first record comes again with a different value",
    "repeated-page": "the previous page's records come again",
    "shuffled": "the list is in another order",
    "endless-cursor": "paging never ends: after the last record the first follows again",
    "cap": "at most 100 records of any one query are let out, in place of 250",
    "omitted-ids": "every other id asked for is left out",
    "mismatch": "this file's generation date is a day older",
}
FAULTS = {**CONNECTION_FAULTS, **LIST_FAULTS}

_ANY = {"timeout", "slow", "reset", "429", "429-retry-after", "500", "truncated", "html"}
_ANY |= {"empty", "half", "retyped", "unknown-field", "duplicates"}
_PAGED = _ANY | {"401", "repeated-page", "shuffled", "endless-cursor"}
PLATFORM_FAULTS: dict[str, set[str]] = {
    "data_gov_hk": _ANY | {"mismatch"},
    "openrice": _PAGED | {"cap"},
    "tripadvisor": _PAGED | {"omitted-ids"},
    "eatigo": _PAGED,
    "chope": _PAGED | {"error-in-200"},
    "foodpanda": _PAGED,
    "keeta": _PAGED | {"error-in-200"},
    "bistrochat": _PAGED,
}
"""Which faults make sense on which platform."""

_OPTION = re.compile(
    r"(?P<platform>\w+):(?P<fault>[\w-]+)(?:=(?P<value>[^@*~]+))?(?P<rest>(?:@\d+|\*\d+)*)(?:~(?P<match>.+))?"
)


@dataclass
class Fault:
    """One fault waiting for its requests.

    `match` is a substring of path and query; `nth` the first matching request it happens to (1 is the next one);
    `times` how many times it happens. With `nth` alone it happens once; with neither, always.
    """

    platform: str
    fault: str
    match: str = ""
    nth: int | None = None
    times: int | None = None
    value: float | None = None
    seen: int = 0
    played: int = 0

    def __post_init__(self) -> None:
        check_fault(self.platform, self.fault)
        if self.nth is not None and self.times is None:
            self.times = 1
        for name in ("nth", "times"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise SandboxError(f"fault {self.platform}:{self.fault}: {name}={number} must be at least 1")

    def happens(self) -> bool:
        """Counts one matching request, and says whether the fault happens to it."""
        self.seen += 1
        if self.seen < (self.nth or 1) or (self.times is not None and self.played >= self.times):
            return False
        self.played += 1
        return True

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def check_fault(platform: str, fault: str) -> None:
    """Raises SandboxError naming what is allowed, if the platform or its fault doesn't exist."""
    if platform not in PLATFORM_FAULTS:
        raise SandboxError(f"unknown platform {platform!r}: one of {', '.join(PLATFORM_FAULTS)}")
    if fault not in PLATFORM_FAULTS[platform]:
        allowed = ", ".join(name for name in FAULTS if name in PLATFORM_FAULTS[platform])
        problem = f"{platform} cannot play fault" if fault in FAULTS else "unknown fault"
        raise SandboxError(f"{problem} {fault!r}: {platform} knows {allowed}")


def parse_fault(text: str) -> Fault:
    """A fault from `platform:fault[=value][@nth][*times][~match]`; SandboxError if it isn't one."""
    found = _OPTION.fullmatch(text)
    if not found:
        raise SandboxError(f"fault {text!r} is not of the form platform:fault[=value][@nth][*times][~match]")
    numbers = {mark[0]: int(mark[1:]) for mark in re.findall(r"[@*]\d+", found["rest"])}
    return Fault(
        found["platform"],
        found["fault"],
        match=found["match"] or "",
        nth=numbers.get("@"),
        times=numbers.get("*"),
        value=_seconds(text, found["value"]),
    )


def read_fault(value: Any) -> Fault:
    """A fault from JSON with `platform`, `fault` and optionally `match`, `nth`, `times`, `value`."""
    known = ("platform", "fault", "match", "nth", "times", "value")
    if not isinstance(value, dict) or not {"platform", "fault"} <= value.keys() <= set(known):
        raise SandboxError(f"a fault is an object with platform and fault, and optionally {', '.join(known[2:])}")
    for name in ("nth", "times"):
        if not isinstance(value.get(name), int | None):
            raise SandboxError(f"{name} must be a whole number")
    return Fault(
        str(value["platform"]),
        str(value["fault"]),
        match=str(value.get("match") or ""),
        nth=value.get("nth"),
        times=value.get("times"),
        value=_seconds("value", value.get("value")),
    )


def _seconds(where: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise SandboxError(f"fault {where!r}: value {value!r} is not a number") from None


class Faults:
    """The faults in force."""

    def __init__(self, faults: Iterable[Fault | str] = ()) -> None:
        self.waiting = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]

    def happening(self, platform: str, target: str, kinds: Iterable[str]) -> list[Fault]:
        """The faults of these kinds that happen to a request with this path and query; counts the request."""
        return [
            fault
            for fault in self.waiting
            if fault.platform == platform and fault.fault in kinds and fault.match in target and fault.happens()
        ]
