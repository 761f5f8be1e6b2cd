"""A client on another host that reaches the site of a server, by its name, through Caddy."""

from __future__ import annotations

import ssl

import httpx

from sync_platform_tests.certificates import Authority

SITE = "sync.example.org"


class SiteClient(httpx.Client):
    """Sends every request for the site to one address, as if its name led there. `newest`: the only version of TLS."""

    def __init__(self, address: str, authority: Authority | None, newest: ssl.TLSVersion | None = None) -> None:
        context = ssl.create_default_context(cafile=str(authority.file) if authority else None)
        if newest:
            context.set_ciphers("ALL:@SECLEVEL=0")  # else this client, and not Caddy, refuses an old version
            context.minimum_version = context.maximum_version = newest
        super().__init__(base_url=f"https://{SITE}", timeout=60, transport=_ToAddress(address, context))


class _ToAddress(httpx.BaseTransport):
    def __init__(self, address: str, context: ssl.SSLContext) -> None:
        self._address, self._transport = address, httpx.HTTPTransport(verify=context)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(
            request.method,
            request.url.copy_with(host=self._address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return self._transport.handle_request(sent)

    def close(self) -> None:
        self._transport.close()
