"""Real Redis servers for tests. If Redis is not installed, its tests are skipped, and the summary says so."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from sync_platform_tests.services import (
    LOOPBACK,
    NOT_TESTED,
    Place,
    first_that_starts,
    free_ports,
    installed_program,
    open_folder,
    running,
)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of a Redis for this test process, as RUN_BROKER."""
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder("redis-"))
        yield first_that_starts(lambda: stack.enter_context(redis_server_at(LOOPBACK, free_ports(1)[0], folder)))


def redis_program() -> Path:
    program = installed_program("redis-server")
    if program is None:
        pytest.skip(f"Redis {NOT_TESTED}: there is no `redis-server` (apt-get install redis-server)")
    return program


@contextmanager
def redis_server_at(place: Place, port: int, folder: Path) -> Iterator[str]:
    """A Redis at a place, which keeps what it has in a folder."""
    from redis import Redis

    command = [*place.enter, redis_program(), "--bind", place.address, "--port", str(port), "--protected-mode", "no"]
    command += ["--dir", folder, "--appendonly", "yes", "--save", ""]
    with Redis(place.address, port) as client, running(command, client.ping, folder / "redis.log", signal.SIGTERM):
        yield f"redis://{place.address}:{port}/0"


@contextmanager
def redis_server_with_tls(folder: Path) -> Iterator[str]:
    """A Redis that answers only over TLS, with the certificate in `folder`; its `rediss://` address."""
    from redis import Redis

    (port,) = free_ports(1)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [redis_program(), "--bind", LOOPBACK.address, "--port", "0", "--tls-port", str(port), "--save", ""]
    command += ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no", "--dir", folder]
    address = f"rediss://{LOOPBACK.address}:{port}/0"
    with (
        Redis.from_url(address, ssl_ca_certs=str(certificate)) as client,
        running(command, client.ping, folder / "redis.log", signal.SIGTERM),
    ):
        yield address
