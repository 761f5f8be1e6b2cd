"""A client of a sandbox in this process, with every platform's credentials."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import date
from typing import Any

import httpx
import pytest

from sync_platform.sandbox.city import City
from sync_platform.sandbox.server import create_app
from sync_platform.sandbox.views.keeta import sign

TODAY = date(2026, 11, 24)
CREDENTIALS = {"authorization": "Bearer k", "x-api-key": "k", "x-disco-client-id": "web"}
BASE = "http://sandbox.test"
EN = "/data_gov_hk/english/licensing/license/text/LP_Restaurants_EN.XML"
TC = "/data_gov_hk/tc_chi/licensing/license/text/LP_Restaurants_TC.XML"


class Client:
    """Requests against one application, without a socket."""

    def __init__(self, city: City, faults: Iterable[str] = ()) -> None:
        self.city = city
        self.app = create_app(city, list(faults))

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=CREDENTIALS) as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def json(self, path: str, **options: Any) -> Any:
        response = self.get(path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def keeta(self, path: str, **fields: Any) -> Any:
        """The whole answer of a signed call; the token is fetched unless it is given or is itself requested."""
        if "accessToken" not in fields and path != "/base/oauth/token":
            fields["accessToken"] = self.token()["accessToken"]
        fields = {"appId": "sandbox", "timestamp": int(time.time()), **fields}
        fields.setdefault("sig", sign(f"{BASE}/keeta{path}", fields, "sandbox"))
        return self.request("POST", f"/keeta{path}", json=fields).json()

    def token(self, refresh: str = "any") -> Any:
        return self.keeta("/base/oauth/token", grantType="refresh_token", refreshToken=refresh)["data"]


@pytest.fixture(scope="session")
def city() -> City:
    return City(2000, 852, TODAY)


@pytest.fixture
def client(city: City) -> Client:
    return Client(city)
