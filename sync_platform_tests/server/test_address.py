"""The server listens on loopback, or not in clear; it knows the addresses of its own pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sync_platform.errors import SettingsError
from sync_platform.server.address import allowed_hosts, allowed_origins, public_url, require_safe_address
from sync_platform.settings import load_settings

PROXY = {"serve_proxies": "10.0.0.0/8", "serve_url": "https://sync.example.org"}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.0.0.9"])
def test_loopback_needs_nothing(address: str) -> None:
    require_safe_address(load_settings(serve_address=address))


@pytest.mark.parametrize(
    "given",
    [
        {"serve_address": "0.0.0.0"},
        {"serve_address": "::"},
        {"serve_address": "sync.example.org", "serve_url": "https://sync.example.org"},
        {"serve_address": "0.0.0.0", **PROXY, "serve_url": ""},
        {"serve_address": "0.0.0.0", **PROXY, "serve_url": "http://sync.example.org"},
    ],
)
def test_an_address_that_is_open_to_a_network_needs_tls_or_a_proxy(given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"SERVE_(TLS|URL)"):
        require_safe_address(load_settings(**given))


def test_tls_or_a_proxy_makes_it_safe(tmp_path: Path) -> None:
    file = tmp_path / "x.pem"
    file.touch()
    require_safe_address(load_settings(serve_address="0.0.0.0", serve_tls_certificate=file, serve_tls_key_file=file))
    require_safe_address(load_settings(serve_address="0.0.0.0", **PROXY))
    with pytest.raises(SettingsError, match="set both"):
        require_safe_address(load_settings(serve_tls_certificate=file))
    with pytest.raises(SettingsError, match="is no file"):
        require_safe_address(load_settings(serve_tls_certificate=file, serve_tls_key_file=tmp_path / "none"))


@pytest.mark.parametrize("value", ["10.0.0.300", "proxy.internal", "10.0.0.1/8"])
def test_a_proxy_that_is_no_network_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="SERVE_PROXIES"):
        load_settings(serve_proxies=value)


def test_hosts_and_origins_are_those_of_our_own_pages() -> None:
    local = load_settings(serve_port=80)
    assert allowed_origins(local) == {"http://127.0.0.1", "http://localhost", "http://[::1]"}
    proxied = load_settings(serve_address="10.0.0.5", **PROXY)
    assert public_url(proxied) == "https://sync.example.org"
    assert allowed_origins(proxied) == {"https://sync.example.org"}
    assert "sync.example.org" in allowed_hosts(proxied)
    assert "10.0.0.5:3000" not in allowed_hosts(proxied)
