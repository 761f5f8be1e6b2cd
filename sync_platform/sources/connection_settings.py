"""What the environment says about connections (a proxy, certificates), and errors in it."""

from __future__ import annotations

from typing import Any

import httpx

from sync_platform.errors import SettingsError

PROXIES = "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY"
CERTIFICATES = "SSL_CERT_FILE, SSL_CERT_DIR"


def http_client(platform: str, **options: Any) -> httpx.AsyncClient:
    """A client that uses the proxy and the certificates that the environment names; SettingsError for wrong ones.

    An address of a proxy may have a password, so no error shows it.
    """
    try:
        return httpx.AsyncClient(**options)
    except ImportError:
        wrong = f"a SOCKS proxy is not supported, only http:// and https:// ({PROXIES})"
    except OSError as error:
        wrong = f"the certificates cannot be read ({CERTIFICATES}): {error.strerror or error}"
    except (httpx.InvalidURL, ValueError):
        wrong = f"a proxy is no address of the form http://host:port ({PROXIES})"
    raise SettingsError(f"{platform}: the environment has a wrong setting: {wrong}")
