"""The error classes are those in the tree of the docstring, and every error is permanent or transient."""

from __future__ import annotations

import inspect
import re

import pytest

from sync_platform import errors
from sync_platform.errors import (
    ContractBroken,
    PermanentError,
    SyncError,
    Throttled,
    TransientError,
    stops_the_platform,
)

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
TRUNKS = (SyncError, PermanentError, TransientError)


def _drawn() -> dict[str, str]:
    """Each class of the drawn tree with its parent class."""
    lines = re.findall(r"^([│├└─ ]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    tree = [(len(branch) // 4, name) for branch, name in lines[[name for _, name in lines].index("SyncError") :]]
    parents: dict[str, str] = {}
    path: list[str] = []
    for depth, name in tree:
        assert name not in parents, f"{name} is drawn twice"
        path = [*path[:depth], name]
        parents[name] = path[-2] if depth else "Exception"
    return parents


def test_the_drawn_tree_is_the_tree() -> None:
    assert _drawn() == {kind.__name__: kind.__bases__[0].__name__ for kind in CLASSES}


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind not in TRUNKS])
def test_every_error_is_permanent_or_transient(kind: type[SyncError]) -> None:
    assert issubclass(kind, PermanentError) != issubclass(kind, TransientError)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_says_what_it_is(kind: type[SyncError]) -> None:
    assert kind.__doc__


def test_only_some_errors_stop_a_platform() -> None:
    stopping = {kind.__name__ for kind in CLASSES if kind is not ContractBroken and stops_the_platform(kind("text"))}
    assert stopping == {
        "AnotherDeployment",
        "AuthenticationFailed",
        "DamagedBackup",
        "DamagedValue",
        "NoLakeYet",
        "LockLost",
        "MadeByNewer",
        "NotFound",
        "DamagedManifest",
        "MissingFile",
        "PresentOnly",
        "SettingsError",
        "StorageError",
        "TakenOver",
        "TermsNotAccepted",
        "TokenInDoubt",
        "Throttled",
        "UsageError",
    }
    assert not stops_the_platform(ContractBroken("diner", "url", "1", "$", "problem"))


def test_a_broken_contract_reads_as_a_sentence() -> None:
    error = ContractBroken("diner", "https://diner.test/a", "3", "$.data[3].latitude", "Expected `float`, got `str`")
    assert str(error) == (
        "diner: page 3 of https://diner.test/a breaks the contract at $.data[3].latitude: Expected `float`, got `str`"
    )


def test_being_throttled_may_say_how_long() -> None:
    assert (Throttled("wall").retry_after_s, Throttled("wall", 3.5).retry_after_s) == (None, 3.5)
