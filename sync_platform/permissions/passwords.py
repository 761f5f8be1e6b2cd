"""Passwords of people, hashed with Argon2id (RFC 9106) in the parameters of argon2-cffi's default profile."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sync_platform.errors import UsageError

SHORTEST, LONGEST = 12, 1000
"""In characters. NIST SP 800-63B asks for a length, and for no kinds of characters."""


def password_hash(password: str) -> str:
    """The hash to store, with its salt and parameters; UsageError for a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"a password has {SHORTEST} to {LONGEST} characters")
    return _hasher().hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """True if the password is the one that was hashed. Without a stored hash it takes as long, and is false."""
    if len(password) > LONGEST:
        return False
    try:
        return _hasher().verify(stored or _hash_of_nothing(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _hash_of_nothing() -> str:
    """A hash to compare with, so that the time of an answer does not tell which users exist."""
    return _hasher().hash("")
