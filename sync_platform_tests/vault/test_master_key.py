"""The master key: its halves, and the keys that are derived from them."""

from __future__ import annotations

import pytest

from sync_platform.errors import StorageError
from sync_platform.vault.master_key import MasterKey

WITHOUT_HALVES = MasterKey(bytes(range(32)))


def test_each_use_has_its_own_key() -> None:
    key = MasterKey(bytes(32))
    assert key.derive("tombstones") == key.derive("tombstones")
    assert key.derive("tombstones") != key.derive("lookup")
    assert key.derive("tombstones") != MasterKey(bytes([1] * 32)).derive("tombstones")
    assert len(key.derive_replaceable("own-secrets", 64)) == 64


@pytest.mark.parametrize("key", [WITHOUT_HALVES, MasterKey.new()], ids=["of an earlier version", "new"])
def test_a_rotation_replaces_what_wraps_and_keeps_what_names_and_signs(key: MasterKey) -> None:
    twice = key.rotated().rotated()
    assert twice.derive("lookup") == key.derive("lookup")
    assert len({each.derive_replaceable("wrap") for each in (key, key.rotated(), twice)}) == 3


def test_the_keys_of_an_earlier_version_are_derived_as_before() -> None:
    assert WITHOUT_HALVES.derive("wrap") == WITHOUT_HALVES.derive_replaceable("wrap")
    assert WITHOUT_HALVES.derive("wrap").hex().startswith("59d62055fe068e7e")


def test_a_key_is_not_shown() -> None:
    assert "00" not in repr(MasterKey(bytes(32)))


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 48, "zz" * 32])
def test_another_text_is_no_key(text: str) -> None:
    with pytest.raises(StorageError, match="the secret x does not hold a master key"):
        MasterKey.from_text(text, "the secret x")
    assert MasterKey.from_text(f" {WITHOUT_HALVES.text}\n", "a file") == WITHOUT_HALVES
