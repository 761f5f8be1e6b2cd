"""Addresses with a login in them (`https://user:password@host`): the login is sent, and is in no text and no file."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit, urlunsplit

Login = tuple[str, str]
"""The name of a user and the password."""


def split_login(url: str) -> tuple[str, Login | None]:
    """The address without its login, and the login; None if it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:  # it is no address: the request says so
        return url, None
    login, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    user, _, password = login.partition(":")
    return urlunsplit(parts._replace(netloc=host)), (unquote(user), unquote(password))


def without_login(url: str) -> str:
    """The address as it is shown."""
    return split_login(url)[0]
