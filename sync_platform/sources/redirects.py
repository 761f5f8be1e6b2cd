"""Which redirects are followed with our secrets: those that stay at the same origin (RFC 6454, 4)."""

from __future__ import annotations

import httpx


def keeps_origin(source: httpx.URL, target: httpx.URL) -> bool:
    """True if scheme, host and port are the same, or if http becomes https and both have their usual ports."""
    if target.host != source.host:
        return False
    origins = (source.scheme, source.port), (target.scheme, target.port)
    return origins[0] == origins[1] or origins == (("http", None), ("https", None))


def origin_text(url: httpx.URL) -> str:
    """The origin as it is shown: without a login, a path or a query."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
