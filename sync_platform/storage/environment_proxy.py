"""The proxy that the environment names for an address (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

_ADDRESS = re.compile(r"https?://[^\s'\"]+")


@dataclass(frozen=True)
class EnvironmentProxy:
    """A proxy: its address without a login, and the login."""

    address: str
    user: str = ""
    password: str = ""

    @classmethod
    def of(cls, url: str, *, also_all: bool = True) -> Self | None:
        """The proxy for an address, None where it is reached directly. `also_all`: whether ALL_PROXY counts."""
        try:
            target = urlsplit(url)
            proxies = getproxies_environment()
            named = proxies.get(target.scheme, proxies.get("all", "") if also_all else "")
            if not named or not target.hostname or proxy_bypass(target.netloc.rpartition("@")[2]):
                return None
            parts = urlsplit(named if "://" in named else f"http://{named}")
        except ValueError:  # an address that is none: the request says so
            return None
        login, _, host = parts.netloc.rpartition("@")
        user, _, password = login.partition(":")
        return cls(f"{parts.scheme}://{host}", unquote(user), unquote(password))


def named_proxy(url: str, *, also_all: bool = True) -> str:
    """` through the proxy http://host:port`, for a message about an address; empty where it is reached directly."""
    proxy = EnvironmentProxy.of(url, also_all=also_all)
    return f" through the proxy {proxy.address}" if proxy else ""


def with_named_proxy(reason: str) -> str:
    """A reason of a library about an address on S3, with the proxy to that address, if it names none itself."""
    address = _ADDRESS.search(reason)
    return f"{reason}{named_proxy(address[0], also_all=False)}" if address and "proxy" not in reason else reason
