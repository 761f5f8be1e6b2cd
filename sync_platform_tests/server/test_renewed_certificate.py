"""A certificate that is renewed while the server runs is used at once; one that cannot be used changes nothing."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import uvicorn
from cryptography import x509

from sync_platform.server.renewed_certificate import server_of
from sync_platform.server.serving import server_config
from sync_platform.settings import Settings
from sync_platform_tests.certificates import write_certificate


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        serve_tls_certificate=tmp_path / "certificate.pem",
        serve_tls_key_file=tmp_path / "key.pem",
    )


async def nothing(scope: object, receive: object, send: object) -> None:
    """An app without a route."""


def started(settings: Settings) -> uvicorn.Server:
    server = server_of(settings, server_config(settings, nothing))
    server.config.load()
    server.server_state.default_headers = []
    return server


def presented(server: uvicorn.Server) -> x509.Certificate:
    """What a client that connects now is shown, after a tick of the server's loop."""
    asyncio.run(server.on_tick(0))
    assert server.config.ssl is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server)
    other = server.config.ssl.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, other, client, other):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    certificate = client.getpeercert(binary_form=True)
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate)


def test_a_renewed_certificate_is_used_without_a_restart(settings: Settings, tmp_path: Path) -> None:
    expired = write_certificate(tmp_path, days_left=-1)
    server = started(settings)
    assert presented(server) == expired
    renewed = write_certificate(tmp_path)
    assert presented(server) == renewed


def test_a_certificate_that_cannot_be_used_changes_nothing(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = write_certificate(tmp_path)
    server = started(settings)
    write_certificate(tmp_path / "other")
    (tmp_path / "other" / "certificate.pem").rename(tmp_path / "certificate.pem")  # its key follows later
    assert presented(server) == presented(server) == first
    assert caplog.text.count("the one before stays in use") == 1
    (tmp_path / "key.pem").unlink()
    assert presented(server) == first
    second = write_certificate(tmp_path)
    assert presented(server) == second


def test_a_server_without_tls_looks_at_no_files() -> None:
    plain = Settings(_env_file=None)
    assert type(server_of(plain, server_config(plain, nothing))) is uvicorn.Server
