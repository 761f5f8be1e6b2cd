"""Every fault of the sandbox's list, on every platform that plays it, at several places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from sync_platform.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    MalformedBody,
    ServerFailed,
    SyncError,
    Throttled,
    stops_the_platform,
)
from sync_platform.platforms import load_platforms
from sync_platform.sandbox.faults import CONNECTION_FAULTS
from sync_platform.sandbox.planned_faults import playable_faults
from sync_platform.storage.objects import ObjectStore
from sync_platform_tests.extent import only_in_full

from .ground import Brought, Ground
from .places import Stage, Strike, Which, stages_of

PLACES: tuple[Which, ...] = ("every", "first", "middle", "last")
VALUES = {"slow": 0.02, "timeout": 5.0, "429-retry-after": 0.01}
HARMLESS = {"slow", "unknown-field"}
ERRORS: dict[str, type[SyncError]] = {
    "timeout": ConnectionFailed,
    "reset": ConnectionFailed,
    "429": Throttled,
    "429-retry-after": Throttled,
    "500": ServerFailed,
    "401": AuthenticationFailed,
    "truncated": MalformedBody,
    "html": MalformedBody,
    "error-in-200": ServerFailed,
}
"""What a sync fails as, where the fault meets every request. HTML is a bot wall on some platforms."""


def strikes() -> Iterator[Any]:
    """Every fault of every platform, once: places, stages and what comes of it in a real lake have their turns.

    With `--full` also: in a list on every page of every stage that has one; in the connection (where one place is like
    another) at some place for good, and at some once.
    """
    for at, platform in enumerate(load_platforms()):
        faults = sorted(playable_faults(platform).keys() - {"cap"})  # a cap needs a larger city: test_sweeps.py
        for turn, fault in enumerate(faults):
            stages = [stage for stage in stages_of(platform) if stage.can_play(fault)]
            value = VALUES.get(fault)
            if fault in CONNECTION_FAULTS:
                every = [
                    Strike(platform, fault, stages[(turn + once) % len(stages)], which, once, value)
                    for which, once in ((PLACES[turn % 4], False), (PLACES[1 + turn % 3], True))
                ]
            else:
                every = [Strike(platform, fault, stage, "every") for stage in stages]
                every.append(Strike(platform, fault, stages[turn % len(stages)], PLACES[1 + turn % 3]))
            chosen = (turn + at) % len(every)
            for number, strike in enumerate(every):
                strike = replace(strike, in_a_lake=platform == taken_in_on(fault))
                yield strike if number == chosen else only_in_full(strike)


def taken_in_on(fault: str) -> str:
    """The platform on which what comes of the fault is taken into a real lake; faults have them in turn."""
    known = {name: playable_faults(name) for name in load_platforms()}
    players = [name for name, faults in known.items() if fault in faults]
    return players[sorted({each for faults in known.values() for each in faults}).index(fault) % len(players)]


@pytest.mark.parametrize("strike", strikes(), ids=str)
def test_a_fault_loses_nothing_and_is_told(strike: Strike, ground_of: Callable[..., Ground]) -> None:
    ground = ground_of(strike.platform)
    brought = under(strike, ground)
    if isinstance(brought, SyncError):
        assert_may_fail(strike, ground, brought)
        return
    verdict = ground.verdict(brought, in_a_lake=strike.in_a_lake)
    assert not verdict.wrongs, "\n".join(verdict.wrongs)
    if must_be_complete(strike):
        assert verdict.is_complete, [manifest.reasons for manifest in brought.manifests]
    elif strike.fault in CONNECTION_FAULTS:
        assert not verdict.is_complete


@pytest.mark.parametrize(
    ("platform", "fault"),
    [
        case if (turn + at) % 4 == 0 else only_in_full(*case)
        for at, name in enumerate(load_platforms())
        for turn, fault in enumerate(ERRORS)
        if fault in playable_faults(name)
        for case in [(name, fault)]
    ],
)
def test_a_fault_in_every_request_fails_as_what_it_is_and_is_in_nobodys_way_afterwards(
    platform: str, fault: str, ground_of: Callable[..., Ground]
) -> None:
    ground = ground_of(platform)
    strike = Strike(platform, fault, Stage("/"), "every", value=VALUES.get(fault))
    store = ground.new_store()
    error = under(strike, ground, store)
    assert isinstance(error, expected_error(strike)), repr(error)
    if fault == "500":
        verdict = ground.verdict(ground.bring(1, store=store), in_a_lake=True)
        assert not verdict.wrongs
        assert verdict.is_complete


DELTA_FAULTS = (("truncated", "last"), ("retyped", "every"), ("half", "every"), ("empty", "every"))


def delta_strikes() -> Iterator[Any]:
    """Four faults on every stage of every platform that tells what changed; half of them without `--full`."""
    names = [name for name, platform in load_platforms().items() if platform.has_delta]
    for at, name in enumerate(names):
        for number, stage in enumerate(stages_of(name)):
            for turn, (fault, which) in enumerate(DELTA_FAULTS):
                strike = Strike(name, fault, stage, which, value=VALUES.get(fault), in_a_lake=True)
                yield strike if (turn + at) % 4 == number else only_in_full(strike)


@pytest.mark.parametrize("strike", delta_strikes(), ids=str)
def test_what_a_fault_keeps_out_of_a_delta_comes_with_the_next(
    strike: Strike, ground_of: Callable[..., Ground]
) -> None:
    ground = ground_of(strike.platform, delta=True)
    if not any(strike.stage.path in request for request in ground.requests):
        pytest.skip("nothing of this kind changed")
    brought = under(strike, ground)
    if isinstance(brought, SyncError):
        assert_may_fail(strike, ground, brought)
        return
    verdict = ground.verdict(brought, in_a_lake=True)
    assert not verdict.wrongs, "\n".join(verdict.wrongs)


def archive_strikes() -> Iterator[Any]:
    """Every fault of the register, on a file of the archive or on its list of files; with `--full` on both."""
    files, versions = Stage("/get-file?", special=frozenset({"mismatch"})), Stage("/list-file-versions?", "none")
    for turn, fault in enumerate(sorted(playable_faults("data_gov_hk"))):
        of_file = Strike("data_gov_hk", fault, files, "middle", value=VALUES.get(fault), in_a_lake=turn % 4 == 0)
        if not versions.can_play(fault):
            yield of_file
            continue
        of_versions = replace(of_file, stage=versions, which="every")
        yield of_file if turn % 3 else only_in_full(of_file)
        yield only_in_full(of_versions) if turn % 3 else of_versions


@pytest.mark.parametrize("strike", archive_strikes(), ids=str)
def test_a_fault_in_the_archive_loses_nothing_and_is_told(strike: Strike, ground_of: Callable[..., Ground]) -> None:
    brought = under(strike, ground := ground_of("data_gov_hk", archive=True))
    if isinstance(brought, SyncError):
        assert_may_fail(strike, ground, brought)
        return
    verdict = ground.verdict(brought, in_a_lake=strike.in_a_lake)
    assert not verdict.wrongs, "\n".join(verdict.wrongs)
    assert verdict.is_complete or strike.fault not in HARMLESS


def test_a_token_that_expires_half_way_and_cannot_be_refreshed_leaves_what_came(
    ground_of: Callable[..., Ground],
) -> None:
    ground = ground_of("keeta")
    with httpx.Client(base_url=ground.urls[1], verify=False) as sandbox:
        for match, nth, times in (("/scm/shop/base/get", 5, 1), ("/oauth/token", 2, 9)):
            asked = {"platform": "keeta", "fault": "401", "match": match, "nth": nth, "times": times}
            sandbox.post("/_faults", json=asked).raise_for_status()
        brought = ground.bring(1)
        sandbox.delete("/_faults")
    verdict = ground.verdict(brought, in_a_lake=True)
    assert not verdict.wrongs, "\n".join(verdict.wrongs)
    assert not verdict.is_complete
    assert len(verdict.received[0].rows) == 4


@pytest.mark.parametrize("name", load_platforms())
def test_no_platform_request_or_fault_is_forgotten(name: str, ground_of: Callable[..., Ground]) -> None:
    requests = ground_of(name).requests
    strays = [request for request in requests if sum(stage.path in request for stage in stages_of(name)) != 1]
    assert not strays
    assert all(any(stage.path in request for request in requests) for stage in stages_of(name))
    for fault in playable_faults(name):
        assert any(stage.can_play(fault) for stage in stages_of(name)), fault


def must_be_complete(strike: Strike) -> bool:
    """Whether the client makes up for the fault: it harms nothing, or the request that is sent again succeeds."""
    return strike.fault in HARMLESS or (strike.once and (strike.fault != "401" or strike.platform == "keeta"))


def assert_may_fail(strike: Strike, ground: Ground, error: SyncError) -> None:
    """A whole sync fails only by a fault that stays, as what it is, and not for one page of several.

    A platform that turns us away is left at once, whichever page it does so on. A week of the archive is one version of
    two files, and needs both.
    """
    assert isinstance(error, expected_error(strike)), repr(error)
    assert not must_be_complete(strike), repr(error)
    has_others = sum(strike.stage.path in request for request in ground.requests) > 1 and not ground.weeks
    if has_others and strike.which in ("middle", "last"):
        assert stops_the_platform(error), repr(error)


def expected_error(strike: Strike) -> type[SyncError]:
    if strike.fault == "html" and load_platforms()[strike.platform].html_is_a_wall:
        return Throttled
    return ERRORS[strike.fault]


def under(strike: Strike, ground: Ground, store: ObjectStore | None = None) -> Brought | SyncError:
    """What comes on day two under a fault, which must have happened."""
    brought: Brought | SyncError
    with httpx.Client(base_url=ground.urls[1], verify=False) as sandbox:
        sandbox.post("/_faults", json=strike.asked_of(ground.requests)).raise_for_status()
        try:
            brought = ground.bring(1, store=store, timeout_s=0.4 if strike.fault == "timeout" else 10)
        except SyncError as error:
            brought = error
        (fault,) = sandbox.get("/_faults").json()["faults"]
        sandbox.delete("/_faults")
    assert fault["played"], "the fault never happened"
    return brought
