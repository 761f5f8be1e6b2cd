"""Kinds of authentication: what each adds to the headers of every request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync_platform.errors import SettingsError


@dataclass(frozen=True)
class NoAuthentication:
    """For a platform that needs no credentials, or whose connector signs its own requests."""

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class BearerToken:
    """`Authorization: Bearer <api_key>` (RFC 6750)."""

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {credentials['api_key']}"}


@dataclass(frozen=True)
class KeyHeader:
    """The API key in the header `name`."""

    name: str

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {self.name: credentials["api_key"]}


Authentication = NoAuthentication | BearerToken | KeyHeader


def sendable(platform: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers; SettingsError for one that HTTP cannot carry. The HTTP library's own error would show the secret."""
    for name, value in headers.items():
        if not value.isascii() or not value.isprintable() or value != value.strip():
            raise SettingsError(
                f"{platform}: the header {name} cannot be sent: {platform.upper()}_API_KEY or another credential "
                "holds a line break, a blank at its end, or a letter outside ASCII"
            )
    return headers
