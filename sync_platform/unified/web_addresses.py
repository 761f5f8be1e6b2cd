"""Web addresses of restaurants in one form. A page on a platform is no website of a restaurant."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

PLATFORM_HOSTS = re.compile(
    r"(?:^|\.)(?:openrice|tripadvisor|eatigo|chope|foodpanda|deliveryhero|keeta|mykeeta|bistrochat|deliveroo|ubereats)"
    r"\.(?:com?|net|asia|[a-z]{2})(?:\.[a-z]{2})?$"
)
"""Hosts of platforms that list restaurants or deliver for them."""
_TRACKING = re.compile(
    r"utm_.*|fbclid|gclid|gbraid|wbraid|gad_.*|dclid|msclkid|yclid|twclid|ttclid|igshid?|igsh|mc_[ce]id|_ga|_gl|srsltid|y_source"
)
_LABEL = r"\w(?:[\w-]*\w)?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
"""Characters that nobody sees; they come along when an address is copied."""
_PORTS = {"http": 80, "https": 443}


def website(text: str) -> str | None:
    """The address with scheme and host in lower case, without tracking parameters, fragment and last slash.

    An address without a scheme is `https`. None for text that is no address, and for a page on a platform.
    """
    parts = _split(_UNSEEN.sub("", text).strip())
    if parts is None:
        return None
    host = (parts.hostname or "").rstrip(".")
    if not _HOST.fullmatch(host) or PLATFORM_HOSTS.search(host) or parts.username:
        return None
    port = f":{parts.port}" if parts.port and parts.port != _PORTS[parts.scheme] else ""
    parameters = [
        pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(pair[0].lower())
    ]
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}{query}"


def site(text: str) -> str | None:
    """What two addresses of one website have in common: neither the scheme nor `www.` counts."""
    address = website(text)
    return address.partition("://")[2].removeprefix("www.").casefold() if address else None


def _split(text: str) -> SplitResult | None:
    """The parts of an address of the web; None for another text."""
    if not text.isprintable() or " " in text:
        return None
    whole = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(whole)
        _ = parts.port  # raises ValueError for a port that is no number
    except ValueError:
        return None
    return parts if parts.scheme in _PORTS else None
