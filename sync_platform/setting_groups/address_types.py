"""The types of settings that are addresses."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def _require_http(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    if value and not _names_host(value):
        raise ValueError("must name a host without blanks, and no port or one up to 65535")
    return value


def _names_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and not any(map(str.isspace, parts.netloc)) and (parts.port or 0) >= 0
    except ValueError:  # no number, one above 65535, or a bracket that is not closed
        return False


def _refuse_login(value: str) -> str:
    if value and "@" in urlsplit(value).netloc:
        raise ValueError("must not hold a user name or a password")
    return value


def _require_store(value: str) -> str:
    if value and not value.startswith(("file://", "s3://")):
        raise ValueError("must start with file:// or s3://")
    return value


HttpAddress = Annotated[str, AfterValidator(_require_http), AfterValidator(_refuse_login)]
"""The address of a server, or empty. It is shown in messages, so it has no login in it."""
SecretAddress = Annotated[str, AfterValidator(_require_http)]
"""An address that may have a login (`https://user:password@host`) or a secret path, or empty."""
StoreUrl = Annotated[str, AfterValidator(_require_store)]
"""The place of an object store: a folder or a bucket, or empty."""
