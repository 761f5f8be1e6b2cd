"""The two ways to install the platform, as an operator's settings: a laptop, and PostgreSQL with S3.

What belongs here: the differences between the two. A test that takes `installation` runs on either, and must not
depend on which.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from zlib import crc32

import pytest

from sync_platform_tests.extent import only_in_full
from sync_platform_tests.services import IS_ANOTHER_DAY, PostgresServer, S3Server

Kind = Literal["laptop", "fleet"]
KINDS: tuple[Kind, ...] = ("laptop", "fleet")
ONE_IN = 4
"""One test in so many runs on a fleet."""
ADDRESSES = ("LAKE_CATALOG", "LAKE_DATA", "LANDING", "LEDGER", "VAULT")

_prefixes = (f"installation-{number}" for number in itertools.count(1))


def fleet_settings(postgres: PostgresServer, s3: S3Server) -> dict[str, str]:
    """A new, empty installation on the servers, with its own three databases and two folders."""
    prefix = f"s3://{s3.bucket}/{next(_prefixes)}"
    return {
        "LAKE_CATALOG": f"postgres:{postgres.conninfo(postgres.create_database())}",
        "LAKE_DATA": f"{prefix}/lake",
        "LANDING": f"{prefix}/landing_store",
        "LEDGER": postgres.url(postgres.create_database()),
        "VAULT": postgres.url(postgres.create_database()),
        **s3.environment,
    }


@contextmanager
def installed(kind: Kind, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Set the settings in the environment of this process and its children, for the duration of the context."""
    settings: dict[str, str] = {}
    if kind == "fleet":
        settings = fleet_settings(request.getfixturevalue("postgres_server"), request.getfixturevalue("s3_server"))
    with pytest.MonkeyPatch.context() as patch:
        for name in ADDRESSES:
            patch.delenv(name, raising=False)
        for name, value in settings.items():
            patch.setenv(name, value)
        yield settings


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `installation` runs on one of the two; with `--full` on both.

    A checksum of the test's name decides which one. A fleet, which takes two to three times as long, has a quarter of
    the tests. On another day (clock/) there is no S3, and all run on a laptop.
    """
    if "installation" in metafunc.fixturenames:
        is_fleet = not IS_ANOTHER_DAY and crc32(metafunc.function.__name__.encode()) % ONE_IN == 0
        chosen = KINDS[is_fleet]
        kinds = [kind if kind == chosen else only_in_full(kind) for kind in KINDS]
        metafunc.parametrize("installation", kinds, indirect=True)


@pytest.fixture
def installation(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """An empty installation: its settings, beside the home that the test chooses."""
    with installed(request.param, request) as settings:
        yield settings
