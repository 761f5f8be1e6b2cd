"""Every fault of the sandbox, on every platform that plays it, at several requests."""

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
    TokenInDoubt,
    stops_the_platform,
)
from sync_platform.monitoring.failure_cause import cause_of
from sync_platform.platforms import load_platforms
from sync_platform.sandbox.faults import CONNECTION_FAULTS
from sync_platform.sandbox.planned_faults import playable_faults
from sync_platform.storage.object_store import ObjectStore
from sync_platform_tests.extent import is_full, only_in_full

from .harness import Extracted, FaultHarness
from .places import FaultCase, Stage, Which, stages_of

PLACES: tuple[Which, ...] = ("every", "first", "middle", "last")
VALUES = {"slow": 0.02, "timeout": 5.0, "429-retry-after": 0.01}
HARMLESS = {"slow", "unknown-field"}
LOSES_ANSWERS = {"timeout", "reset", "truncated", "html"}
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
"""The error of a sync if the fault hits every request. HTML is a bot wall on some platforms."""


def fault_cases() -> Iterator[Any]:
    """Every fault on every sixth platform, and on one that commits it; requests and stages alternate. Faults of the
    connection leave no rows to commit, but one.

    With `--full` on every platform, and also: a list fault on every page of every stage with a list; a connection
    fault (for which all requests are alike) at one request permanently, and at one once.
    """
    for at, platform in enumerate(load_platforms()):
        faults = sorted(playable_faults(platform).keys() - {"cap"})  # a cap needs a larger city: test_sweeps.py
        for index, fault in enumerate(faults):
            stages = [stage for stage in stages_of(platform) if stage.can_play(fault)]
            value = VALUES.get(fault)
            if fault in CONNECTION_FAULTS:
                every = [
                    FaultCase(platform, fault, stages[(index + once) % len(stages)], which, once, value)
                    for which, once in ((PLACES[index % 4], False), (PLACES[1 + index % 3], True))
                ]
            else:
                every = [FaultCase(platform, fault, stage, "every") for stage in stages]
                every.append(FaultCase(platform, fault, stages[index % len(stages)], PLACES[1 + index % 3]))
            chosen = (index + at) % len(every)
            for number, case in enumerate(every):
                is_chosen = platform == lake_platform_of(fault)
                case = replace(case, in_a_lake=is_chosen and (fault == "500" or fault not in CONNECTION_FAULTS))
                is_usual = number == chosen and (is_chosen or (index + at) % 6 == 0)
                yield case if is_usual else only_in_full(case)


def lake_platform_of(fault: str) -> str:
    """A platform on which the fault is always played, and its result committed; faults alternate between platforms."""
    known = {name: playable_faults(name) for name in load_platforms()}
    players = [name for name, faults in known.items() if fault in faults]
    return players[sorted({each for faults in known.values() for each in faults}).index(fault) % len(players)]


@pytest.mark.parametrize("case", fault_cases(), ids=str)
def test_a_fault_loses_nothing_and_is_reported(case: FaultCase, harness_of: Callable[..., FaultHarness]) -> None:
    harness = harness_of(case.platform)
    extracted = extract_under(case, harness)
    if isinstance(extracted, SyncError):
        assert_may_fail(case, harness, extracted)
        return
    verdict = harness.verdict(extracted, in_a_lake=case.in_a_lake)
    assert not verdict.violations, "\n".join(verdict.violations)
    if must_be_complete(case):
        assert verdict.is_complete, [manifest.reasons for manifest in extracted.manifests]
    elif case.fault in CONNECTION_FAULTS:
        assert not verdict.is_complete


@pytest.mark.parametrize(
    ("platform", "fault"),
    [
        case if (index + at) % 4 == 0 else only_in_full(*case)
        for at, name in enumerate(load_platforms())
        for index, fault in enumerate(ERRORS)
        if fault in playable_faults(name)
        for case in [(name, fault)]
    ],
)
def test_a_fault_in_every_request_fails_with_its_error_and_does_not_affect_the_next_sync(
    platform: str, fault: str, harness_of: Callable[..., FaultHarness]
) -> None:
    harness = harness_of(platform)
    case = FaultCase(platform, fault, Stage("/"), "every", value=VALUES.get(fault))
    store = harness.new_store()
    error = extract_under(case, harness, store)
    assert isinstance(error, expected_error(case)), repr(error)
    if fault == "500":
        verdict = harness.verdict(harness.extract(1, store=store), in_a_lake=True)
        assert not verdict.violations
        assert verdict.is_complete


DELTA_FAULTS = (("truncated", "last"), ("retyped", "every"), ("half", "every"), ("empty", "every"))


def delta_cases() -> Iterator[Any]:
    """Four faults on every stage of every platform with a delta; without `--full` one on each of these platforms."""
    names = [name for name, platform in load_platforms().items() if platform.has_delta]
    for at, name in enumerate(names):
        for number, stage in enumerate(stages_of(name)):
            for index, (fault, which) in enumerate(DELTA_FAULTS):
                case = FaultCase(name, fault, stage, which, value=VALUES.get(fault), in_a_lake=True)
                yield case if number == 0 and index == at % len(DELTA_FAULTS) else only_in_full(case)


@pytest.mark.parametrize("case", delta_cases(), ids=str)
def test_records_that_a_fault_removes_from_a_delta_come_with_the_next(
    case: FaultCase, harness_of: Callable[..., FaultHarness]
) -> None:
    harness = harness_of(case.platform, delta=True)
    if not any(case.stage.path in request for request in harness.requests):
        pytest.skip("nothing of this kind changed")
    extracted = extract_under(case, harness)
    if isinstance(extracted, SyncError):
        assert_may_fail(case, harness, extracted)
        return
    verdict = harness.verdict(extracted, in_a_lake=True)
    assert not verdict.violations, "\n".join(verdict.violations)


def archive_cases() -> Iterator[Any]:
    """Every fault of the register, on a file of the archive or on its list of files; with `--full` on both."""
    files, versions = (
        Stage("/get-file?", special=frozenset({"bad-xml", "mismatch", "outdated"})),
        Stage("/list-file-versions?", "none"),
    )
    for index, fault in enumerate(sorted(playable_faults("data_gov_hk"))):
        of_file = FaultCase("data_gov_hk", fault, files, "middle", value=VALUES.get(fault), in_a_lake=index % 4 == 0)
        if not versions.can_play(fault):
            yield of_file
            continue
        of_versions = replace(of_file, stage=versions, which="every")
        yield of_file if index % 3 else only_in_full(of_file)
        yield only_in_full(of_versions) if index % 3 else of_versions


@pytest.mark.parametrize("case", archive_cases(), ids=str)
def test_a_fault_in_the_archive_loses_nothing_and_is_reported(
    case: FaultCase, harness_of: Callable[..., FaultHarness]
) -> None:
    extracted = extract_under(case, harness := harness_of("data_gov_hk", archive=True))
    if isinstance(extracted, SyncError):
        assert_may_fail(case, harness, extracted)
        return
    verdict = harness.verdict(extracted, in_a_lake=case.in_a_lake)
    assert not verdict.violations, "\n".join(verdict.violations)
    assert verdict.is_complete or case.fault not in HARMLESS


def test_a_token_that_expires_and_cannot_be_refreshed_keeps_the_records_fetched_before(
    harness_of: Callable[..., FaultHarness],
) -> None:
    harness = harness_of("keeta")
    with httpx.Client(base_url=harness.urls[1], verify=False) as sandbox:
        for match, nth, times in (("/scm/shop/base/get", 5, 1), ("/oauth/token", 2, 9)):
            asked = {"platform": "keeta", "fault": "401", "match": match, "nth": nth, "times": times}
            sandbox.post("/_faults", json=asked).raise_for_status()
        extracted = harness.extract(1)
        sandbox.delete("/_faults")
    verdict = harness.verdict(extracted, in_a_lake=True)
    assert not verdict.violations, "\n".join(verdict.violations)
    assert not verdict.is_complete
    assert len(verdict.received[0].rows) == 4


@pytest.mark.parametrize("name", load_platforms())
def test_every_request_and_fault_of_a_platform_belongs_to_a_stage(
    name: str, harness_of: Callable[..., FaultHarness]
) -> None:
    requests = harness_of(name).requests
    strays = [request for request in requests if sum(stage.path in request for stage in stages_of(name)) != 1]
    assert not strays
    assert all(any(stage.path in request for request in requests) for stage in stages_of(name))
    for fault in playable_faults(name):
        assert any(stage.can_play(fault) for stage in stages_of(name)), fault


def loses_a_token(case: FaultCase) -> bool:
    """True if the fault loses the answer to a single-use token, which is not sent again."""
    return case.platform == "keeta" and case.fault in LOSES_ANSWERS and case.stage.path in ("/", "/base/oauth/token?")


def must_be_complete(case: FaultCase) -> bool:
    """True if the client overcomes the fault: it is harmless, or a retry succeeds."""
    is_retried = case.once and (case.fault != "401" or case.platform == "keeta") and not loses_a_token(case)
    return case.fault in HARMLESS or is_retried


def assert_may_fail(case: FaultCase, harness: FaultHarness, error: SyncError) -> None:
    """A sync fails only by a permanent fault, with the error of that fault, and not for one page of several.

    If a platform refuses access, the sync stops at once, on any page. A week of the archive is one version of two
    files, and needs both.
    """
    assert isinstance(error, expected_error(case)), repr(error)
    assert not must_be_complete(case), repr(error)
    has_others = sum(case.stage.path in request for request in harness.requests) > 1 and not harness.weeks
    if has_others and case.which in ("middle", "last"):
        assert stops_the_platform(error), repr(error)


def expected_error(case: FaultCase) -> type[SyncError]:
    if loses_a_token(case):
        return TokenInDoubt
    if case.fault == "html" and load_platforms()[case.platform].html_is_a_wall:
        return Throttled
    return ERRORS[case.fault]


def extract_under(case: FaultCase, harness: FaultHarness, store: ObjectStore | None = None) -> Extracted | SyncError:
    """The extract of day two under a fault, or its error; the fault must have happened."""
    extracted: Extracted | SyncError
    with httpx.Client(base_url=harness.urls[1], verify=False) as sandbox:
        sandbox.post("/_faults", json=case.asked_of(harness.requests)).raise_for_status()
        try:
            extracted = harness.extract(1, store=store, timeout_s=0.4 if case.fault == "timeout" else 10)
        except SyncError as error:
            extracted = error
        (fault,) = sandbox.get("/_faults").json()["faults"]
        sandbox.delete("/_faults")
    assert fault["played"], "the fault never happened"
    return extracted


@pytest.mark.parametrize(
    "fault", [each if each in ("500", "429") else only_in_full(each) for each in ("500", "429", "reset", "timeout")]
)
def test_platforms_that_fail_for_one_reason_have_one_cause(fault: str, harness_of: Callable[..., FaultHarness]) -> None:
    names = list(load_platforms()) if is_full() else ["eatigo", "bistrochat"]
    causes = set()
    for name in names:
        case = FaultCase(name, fault, Stage("/"), "every", value=VALUES.get(fault))
        if loses_a_token(case):
            continue
        error = extract_under(case, harness_of(name))
        assert isinstance(error, SyncError)
        causes.add(cause_of(str(error), [name]))
    assert len(causes) == 1
