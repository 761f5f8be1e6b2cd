"""Every fault of the sandbox's list, on every platform that plays it, at several places."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from sync_platform.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    MalformedBody,
    ServerFailed,
    SyncError,
    Throttled,
)
from sync_platform.platforms import load_platforms
from sync_platform.sandbox.faults import CONNECTION_FAULTS
from sync_platform.sandbox.planned_faults import playable_faults
from sync_platform.storage.objects import ObjectStore

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


def strikes() -> Iterator[Strike]:
    """Every fault of every platform: in a list on every page of every stage that has one, and on one page of some; in
    the connection (where one place is like another) at some place for good, and at some once. Places have their turns.
    """
    for platform in load_platforms():
        for turn, fault in enumerate(sorted(playable_faults(platform))):
            stages = [stage for stage in stages_of(platform) if stage.can_play(fault)]
            value = VALUES.get(fault)
            if fault in CONNECTION_FAULTS:
                for which, once in ((PLACES[turn % 4], False), (PLACES[1 + turn % 3], True)):
                    stage = stages[(turn + once) % len(stages)]
                    yield Strike(platform, fault, stage, which, once, value)
                continue
            if fault == "cap":
                continue  # needs a city with more places: test_sweeps.py
            for stage in stages:
                yield Strike(platform, fault, stage, "every")
            yield Strike(platform, fault, stages[turn % len(stages)], PLACES[1 + turn % 3])


@pytest.mark.parametrize("strike", strikes(), ids=str)
def test_a_fault_loses_nothing_and_is_told(strike: Strike, ground_of: Callable[..., Ground]) -> None:
    ground = ground_of(strike.platform)
    brought = under(strike, ground)
    if isinstance(brought, SyncError):
        assert isinstance(brought, expected_error(strike)), repr(brought)
        return
    verdict = ground.verdict(brought)
    assert not verdict.wrongs, "\n".join(verdict.wrongs)
    if strike.fault in HARMLESS or (strike.once and (strike.fault != "401" or strike.platform == "keeta")):
        assert verdict.is_complete, [manifest.reasons for manifest in brought.manifests]
    elif strike.fault in CONNECTION_FAULTS:
        assert not verdict.is_complete


@pytest.mark.parametrize(
    ("platform", "fault"),
    [(name, fault) for name in load_platforms() for fault in sorted(playable_faults(name).keys() & {*ERRORS})],
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
        verdict = ground.verdict(ground.bring(1, store=store))
        assert not verdict.wrongs
        assert verdict.is_complete


DELTAS = [
    Strike(name, fault, stage, which, value=VALUES.get(fault))
    for name, platform in load_platforms().items()
    if platform.has_delta
    for stage in stages_of(name)
    for fault, which in (
        ("truncated", "last"),
        ("retyped", "every"),
        ("half", "every"),
        ("empty", "every"),
    )
]


@pytest.mark.parametrize("strike", DELTAS, ids=str)
def test_what_a_fault_keeps_out_of_a_delta_comes_with_the_next(
    strike: Strike, ground_of: Callable[..., Ground]
) -> None:
    ground = ground_of(strike.platform, delta=True)
    if not any(strike.stage.path in request for request in ground.requests):
        pytest.skip("nothing of this kind changed")
    brought = under(strike, ground)
    if not isinstance(brought, SyncError):
        verdict = ground.verdict(brought)
        assert not verdict.wrongs, "\n".join(verdict.wrongs)


ARCHIVE = [
    Strike("data_gov_hk", fault, stage, which, value=VALUES.get(fault))
    for fault in sorted(playable_faults("data_gov_hk"))
    for stage, which in (
        (Stage("/get-file?", special=frozenset({"mismatch"})), "middle"),
        (Stage("/list-file-versions?", "none"), "every"),
    )
    if stage.can_play(fault)
]


@pytest.mark.parametrize("strike", ARCHIVE, ids=str)
def test_a_fault_in_the_archive_loses_nothing_and_is_told(strike: Strike, ground_of: Callable[..., Ground]) -> None:
    brought = under(strike, ground := ground_of("data_gov_hk", archive=True))
    if isinstance(brought, SyncError):
        assert isinstance(brought, expected_error(strike)), repr(brought)
        return
    verdict = ground.verdict(brought)
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
    verdict = ground.verdict(brought)
    assert not verdict.wrongs, "\n".join(verdict.wrongs)
    assert not verdict.is_complete
    assert len(verdict.kinds[0].rows) == 4


@pytest.mark.parametrize("name", load_platforms())
def test_no_platform_request_or_fault_is_forgotten(name: str, ground_of: Callable[..., Ground]) -> None:
    requests = ground_of(name).requests
    strays = [request for request in requests if sum(stage.path in request for stage in stages_of(name)) != 1]
    assert not strays
    assert all(any(stage.path in request for request in requests) for stage in stages_of(name))
    for fault in playable_faults(name):
        assert any(stage.can_play(fault) for stage in stages_of(name)), fault


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
