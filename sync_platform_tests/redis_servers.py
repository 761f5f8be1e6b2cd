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
def redis_server_with_tls(
    folder: Path, trusted: Path, place: Place = LOOPBACK, port: int | None = None
) -> Iterator[str]:
    """A Redis that answers only over TLS, with the certificate in `folder`, where it keeps what it has.

    Its `rediss://` address, which trusts the file `trusted`; None as `port`: any port that is free.
    """
    from redis import Redis

    port = port or free_ports(1)[0]
    command = [*place.enter, redis_program(), "--bind", place.address, "--port", "0", "--tls-port", str(port)]
    command += ["--protected-mode", "no", "--dir", folder, "--appendonly", "yes", "--save", ""]
    command += ["--tls-cert-file", folder / "certificate.pem", "--tls-key-file", folder / "key.pem"]
    command += ["--tls-auth-clients", "no"]
    address = f"rediss://{place.address}:{port}/0?ssl_ca_certs={trusted}"
    with Redis.from_url(address) as client, running(command, client.ping, folder / "redis.log", signal.SIGTERM):
        yield address
