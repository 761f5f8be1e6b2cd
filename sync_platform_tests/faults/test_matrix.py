"""Every fault of the sandbox's list, on every platform that plays it, at several places."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from sync_platform import errors
from sync_platform.errors import SyncError
from sync_platform.sandbox.faults import CONNECTION_FAULTS, PLATFORM_FAULTS

from .ground import Ground
from .places import STAGES, Strike, Which

PLACES: tuple[Which, ...] = ("every", "first", "middle", "last")
VALUES = {"slow": 0.02, "timeout": 5.0, "429-retry-after": 0.01}


def strikes() -> Iterator[Strike]:
    """Every fault of every platform: in a list at every place of every stage that has one, in the connection (where
    one place is like another) at some place for good and at some place once, every stage having its turn."""
    for platform, faults in PLATFORM_FAULTS.items():
        for turn, fault in enumerate(sorted(faults)):
            stages = [stage for stage in STAGES[platform] if stage.can_play(fault)]
            value = VALUES.get(fault)
            if fault in CONNECTION_FAULTS:
                for which, once in ((PLACES[turn % 4], False), (PLACES[1 + turn % 3], True)):
                    stage = stages[(turn + once) % len(stages)]
                    yield Strike(platform, fault, stage, which, once, value)
                continue
            for at, stage in enumerate(stages):
                yield Strike(platform, fault, stage, "every")
                yield Strike(platform, fault, stage, PLACES[1 + (turn + at) % 3])


@pytest.mark.parametrize("strike", strikes(), ids=str)
def test_a_fault_loses_nothing_and_is_told(strike: Strike, ground_of: Callable[..., Ground]) -> None:
    ground = ground_of(strike.platform)
    brought, played = under(strike, ground)
    assert played, "the fault never happened"
    wrongs, statuses = ground.wrongs(brought)
    assert not wrongs, "\n".join(wrongs)
    if isinstance(brought, SyncError):
        assert isinstance(brought, errors.SyncError)
    if strike.once and strike.fault not in ("401",):
        assert set(statuses.values()) == {"complete"}, [m.reasons for m in brought.manifests]


def under(strike: Strike, ground: Ground):
    sandbox = ground.urls[1]
    httpx.post(f"{sandbox}/_faults", json=strike.asked_of(ground.requests)).raise_for_status()
    try:
        brought = ground.bring(1, timeout_s=0.4 if strike.fault == "timeout" else 10)
    except SyncError as error:
        brought = error
    finally:
        played = httpx.get(f"{sandbox}/_faults").json()["faults"][0]["played"]
        httpx.delete(f"{sandbox}/_faults")
    return brought, played
