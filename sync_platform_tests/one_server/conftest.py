"""One installed server for all tests of this folder: it takes a minute to install and start."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from sync_platform.api_client import ApiClient
from sync_platform_tests.one_server.installed_server import InstalledServer, installed_server
from sync_platform_tests.one_server.site_client import SITE


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledServer]:
    """The server, once it is ready; ada is its admin."""
    with installed_server(tmp_path_factory.mktemp("one-server")) as installed:
        installed.program("user", "add", "ada", "--role", "admin")
        installed.wait_for(installed.is_ready)
        yield installed


@pytest.fixture(scope="package")
def token(server: InstalledServer) -> str:
    printed = server.program("token", "create", "tests", "--role", "admin")
    return re.findall(r"\bsp_\S+", printed)[0]


@pytest.fixture
def client(server: InstalledServer, token: str) -> Iterator[httpx.Client]:
    """A client with the rights of an admin, on another host."""
    with server.client() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@pytest.fixture
def api(client: httpx.Client) -> ApiClient:
    return ApiClient(f"https://{SITE}", http=client)
