"""Planned faults: how a fault is written, and which request it happens to.

What belongs here: reading a fault from text or JSON, and counting requests. What doesn't: playing it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sync_platform.sandbox.faults import FAULTS
from sync_platform.sandbox.sandbox_error import SandboxError
from sync_platform.sandbox.views import view_class, view_names

_OPTION = re.compile(
    r"(?P<platform>\w+):(?P<fault>[\w-]+)(?:=(?P<value>[^@*~]+))?(?P<rest>(?:@\d+|\*\d+)*)(?:~(?P<match>.+))?"
)


def playable_faults(platform: str) -> dict[str, str]:
    """The faults that the platform can play, with their meanings; KeyError for an unknown platform."""
    view = view_class(platform)
    return {name: meaning for name, meaning in FAULTS.items() if name in view.faults} | dict(view.special_faults)


@dataclass
class Fault:
    """One planned fault.

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
        """Counts one matching request, and returns whether the fault happens to it."""
        self.seen += 1
        if self.seen < (self.nth or 1) or (self.times is not None and self.played >= self.times):
            return False
        self.played += 1
        return True

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def check_fault(platform: str, fault: str) -> None:
    """Raises SandboxError with the allowed values if there is no such platform or it cannot play the fault."""
    if platform not in view_names():
        raise SandboxError(f"unknown platform {platform!r}: one of {', '.join(view_names())}")
    playable = playable_faults(platform)
    if fault not in playable:
        exists = any(fault in playable_faults(name) for name in view_names())
        problem = f"{platform} cannot play fault" if exists else "unknown fault"
        raise SandboxError(f"{problem} {fault!r}: {platform} knows {', '.join(playable)}")


def parse_fault(text: str) -> Fault:
    """A fault from `platform:fault[=value][@nth][*times][~match]`; SandboxError for any other text."""
    match = _OPTION.fullmatch(text)
    if not match:
        raise SandboxError(f"fault {text!r} is not of the form platform:fault[=value][@nth][*times][~match]")
    numbers = {mark[0]: int(mark[1:]) for mark in re.findall(r"[@*]\d+", match["rest"])}
    return Fault(
        match["platform"],
        match["fault"],
        match=match["match"] or "",
        nth=numbers.get("@"),
        times=numbers.get("*"),
        value=_seconds(text, match["value"]),
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


class PlannedFaults:
    """All faults planned for one server, in the order they were added."""

    def __init__(self, faults: Iterable[Fault | str] = ()) -> None:
        self.planned = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]

    def happening(self, platform: str, target: str, kinds: Iterable[str]) -> list[Fault]:
        """The faults of these kinds that happen to a request with this path and query; counts the request."""
        return [
            fault
            for fault in self.planned
            if fault.platform == platform and fault.fault in kinds and fault.match in target and fault.happens()
        ]
