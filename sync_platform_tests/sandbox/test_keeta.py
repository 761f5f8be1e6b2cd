"""Keeta: signatures, tokens, and errors inside HTTP 200."""

from __future__ import annotations

import hashlib
import time

import pytest

from sync_platform.sandbox.city import City
from sync_platform.sandbox.views import keeta

from .conftest import BASE, Client

SHOPS = "/base/authorized/resource/get"


def test_a_signature_is_the_documented_hash() -> None:
    text = "https://open.example/base/x?appId=1&pageNum=2&timestamp=3secret"
    fields = {"timestamp": 3, "appId": "1", "pageNum": 2, "sig": "ignored"}
    assert keeta.sign("https://open.example/base/x", fields, "secret") == hashlib.sha256(text.encode()).hexdigest()


def test_a_wrong_signature_is_refused_inside_200(client: Client) -> None:
    assert client.keeta(SHOPS, sig="0" * 64)["code"] == keeta.BAD_SIGNATURE


def test_a_missing_signature_is_refused(client: Client) -> None:
    assert client.keeta(SHOPS, sig="")["code"] == keeta.MISSING_PARAMETER


def test_an_old_timestamp_is_refused(client: Client) -> None:
    assert client.keeta(SHOPS, timestamp=int(time.time()) - 3600)["code"] == keeta.STALE_TIMESTAMP


def test_an_unknown_token_asks_for_a_refresh(client: Client) -> None:
    assert client.keeta(SHOPS, accessToken="at-of-an-earlier-process")["code"] == 115000101


def test_a_token_expires(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(city)
    token = client.token()["accessToken"]
    later = time.time() + keeta.TOKEN_LIFE_S + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert client.keeta(SHOPS, accessToken=token, timestamp=int(later))["code"] == keeta.UNKNOWN_TOKEN


def test_an_issued_refresh_token_works_once(client: Client) -> None:
    issued = client.token("from an earlier process")["refreshToken"]
    assert client.token(issued)["accessToken"]
    again = client.keeta("/base/oauth/token", grantType="refresh_token", refreshToken=issued)
    assert again["code"] == keeta.USED_REFRESH_TOKEN


def test_every_shop_has_a_detail_and_a_menu(client: Client) -> None:
    data = client.keeta(SHOPS, pageNum=1, pageSize=200)["data"]
    assert len(data["authorizedShops"]) == 200 < data["total"]
    shop = data["authorizedShops"][0]
    assert shop["id"] > 2**53
    assert isinstance(shop["latitude"], str)
    detail = client.keeta("/scm/shop/base/get", shopId=shop["id"])["data"]
    assert {field: detail[field] for field in shop} == shop
    menu = client.keeta("/product/spu/list", shopId=shop["id"], pageNum=1, pageSize=3)["data"]
    assert len(menu["spus"]) == 3 <= menu["total"]
    assert all(isinstance(sku["price"], str) for spu in menu["spus"] for sku in spu["skus"])


def test_a_menu_averages_twelve_dishes(city: City) -> None:
    sizes = [5 + entry.noise % 15 for entry in city.view("keeta").listed]
    assert 11 < sum(sizes) / len(sizes) < 13


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("/scm/shop/base/get", {"shopId": 1}, keeta.UNKNOWN_SHOP),
        ("/scm/shop/base/get", {}, keeta.UNKNOWN_SHOP),
        (SHOPS, {"pageNum": 1, "pageSize": 201}, keeta.WRONG_PARAMETER),
        ("/nothing", {}, keeta.WRONG_PARAMETER),
    ],
)
def test_a_wrong_parameter_has_a_code(client: Client, path: str, fields: dict[str, int], code: int) -> None:
    assert client.keeta(path, **fields)["code"] == code


def test_a_body_that_is_not_json_has_a_code(client: Client) -> None:
    assert client.request("POST", "/keeta/base/oauth/token", content=b"{").json()["code"] == keeta.WRONG_PARAMETER


def test_the_url_signed_is_the_one_the_client_saw(client: Client) -> None:
    fields = {"appId": "a", "timestamp": int(time.time()), "grantType": "refresh_token", "refreshToken": "x"}
    fields["sig"] = keeta.sign(f"{BASE}/keeta/base/oauth/token", fields, "a")
    assert client.request("POST", "/keeta/base/oauth/token", json=fields).json()["code"] == 0
