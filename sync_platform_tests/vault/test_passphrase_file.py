"""An answer on disk can be read with its passphrase only, by this program and by every program for age files."""

from __future__ import annotations

import base64

import pytest

from sync_platform.errors import UsageError
from sync_platform.vault.passphrase_file import CHUNK_BYTES, decrypted, encrypted

PASSPHRASE = "correct horse battery"
CHEAP = 10
"""A work factor for tests: a millisecond."""
OF_ANOTHER_PROGRAM = base64.b64decode(
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBkUWhYL0dsb2pHWmY3dFFvTUtVckxBIDE4CjJnSzM5YzZmSE"
    "hFVWh2RVFiR1E2ME1rdk51S3JrcjRSMU9wYXBURE9CamcKLS0tIDFxQjk1Qk00QStrQUg1SnN3aTR3SU9HcElyNFFt"
    "MXNXMWp3cFRuZUo4SFEKzAKGElYD27E/Qs4NTMZkuy+q7DcCZ1GNkpzEHp+sgnF6WuMqrD57aPBUGzxRYLs="
)
"""Written by pyrage 1.4.0."""


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_a_file_opens_to_what_was_written(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    assert decrypted(encrypted(content[:size], PASSPHRASE, CHEAP), PASSPHRASE) == content[:size]


def test_a_file_of_another_program_opens() -> None:
    assert decrypted(OF_ANOTHER_PROGRAM, PASSPHRASE).decode() == "陳大文 hello"


def test_another_passphrase_does_not_open_it() -> None:
    with pytest.raises(UsageError, match="the passphrase is not that of the file"):
        decrypted(encrypted(b"content", PASSPHRASE, CHEAP), "correct horse batter")


@pytest.mark.parametrize("place", range(0, 400, 13))
def test_a_changed_byte_is_refused(place: int) -> None:
    body = bytearray(encrypted(b"x" * 300, PASSPHRASE, CHEAP))
    body[place] ^= 1
    with pytest.raises(UsageError):
        decrypted(bytes(body), PASSPHRASE)


def test_a_file_that_is_cut_off_between_two_chunks_is_refused() -> None:
    body = encrypted(bytes(2 * CHUNK_BYTES), PASSPHRASE, CHEAP)
    with pytest.raises(UsageError):
        decrypted(body[: -CHUNK_BYTES - 16], PASSPHRASE)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(UsageError, match="the passphrase has 5 characters: 12 or more are needed"):
        encrypted(b"", "short", CHEAP)


def test_another_format_and_an_endless_key_are_refused() -> None:
    with pytest.raises(UsageError, match="is not encrypted to a passphrase in the age format"):
        decrypted(b"PK\x03\x04", PASSPHRASE)
    with pytest.raises(UsageError, match="takes too long"):
        decrypted(encrypted(b"", PASSPHRASE, CHEAP).replace(b" 10\n", b" 30\n"), PASSPHRASE)
