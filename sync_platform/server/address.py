"""The addresses of the server: where it listens, under which address people reach it, and which hosts it answers."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from sync_platform.errors import SettingsError
from sync_platform.settings import Settings

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
PORTS = {"http": 80, "https": 443}


def require_safe_address(settings: Settings) -> None:
    """Raise SettingsError if passwords and tokens would cross a network in clear, or a part of TLS is missing."""
    certificate, key = settings.serve_tls_certificate, settings.serve_tls_key_file
    if bool(certificate) != bool(key):
        raise SettingsError("SERVE_TLS_CERTIFICATE and SERVE_TLS_KEY_FILE: set both, or none")
    for name, file in (("SERVE_TLS_CERTIFICATE", certificate), ("SERVE_TLS_KEY_FILE", key)):
        if file and not file.is_file():
            raise SettingsError(f"{name}={str(file)!r} is no file")
    if is_loopback(settings.serve_address) or has_tls(settings):
        return
    if not settings.serve_proxies:
        raise SettingsError(
            f"SERVE_ADDRESS={settings.serve_address!r} is open to a network: set SERVE_TLS_CERTIFICATE and "
            "SERVE_TLS_KEY_FILE, or, behind a proxy that ends TLS, SERVE_PROXIES and SERVE_URL"
        )
    if not settings.serve_url.startswith("https://"):
        raise SettingsError("SERVE_PROXIES needs SERVE_URL, the https:// address of the proxy that people type")


def is_loopback(address: str) -> bool:
    """True if only this machine can reach the address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def has_tls(settings: Settings) -> bool:
    """True if the server itself speaks TLS."""
    return settings.serve_tls_certificate is not None


def public_url(settings: Settings) -> str:
    """The address that people type, without a slash at its end."""
    if settings.serve_url:
        return settings.serve_url
    scheme = "https" if has_tls(settings) else "http"
    address = settings.serve_address
    host = f"[{address}]" if ":" in address else address
    return f"{scheme}://{host}:{settings.serve_port}"


def login_link(settings: Settings, secret: str) -> str:
    """The address that logs a person in once."""
    return f"{public_url(settings)}/login?code={secret}"


def allowed_origins(settings: Settings) -> frozenset[str]:
    """The values of the header Origin of our own pages.

    On loopback the server is reached by several names; SERVE_URL adds one.
    """
    scheme = "https" if has_tls(settings) else "http"
    origins = {public_url(settings)}
    if is_loopback(settings.serve_address):
        origins |= {f"{scheme}://{name}:{settings.serve_port}" for name in LOOPBACK_NAMES}
    return frozenset(map(_without_usual_port, origins))


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """The values of the header Host that are answered: those of our own pages, and of probes on this machine."""
    hosts = {urlsplit(origin).netloc for origin in allowed_origins(settings)}
    return frozenset(hosts | {f"{name}:{settings.serve_port}" for name in LOOPBACK_NAMES})


def _without_usual_port(origin: str) -> str:
    """The origin as browsers write it: without the port if it is the usual one of the scheme."""
    scheme, _, host = origin.partition("://")
    return f"{scheme}://{host.removesuffix(f':{PORTS[scheme]}')}"
