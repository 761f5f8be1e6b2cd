"""Keeta as the sandbox simulates it: signed POSTs, single-use refresh tokens, and errors inside HTTP 200.

The shops are those of one imaginary merchant group; ids are larger than 2^53, on purpose.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from hmac import compare_digest
from random import Random
from secrets import token_hex
from typing import Any

import orjson

from sync_platform.sandbox.chance import scramble
from sync_platform.sandbox.faults import PAGED
from sync_platform.sandbox.platform_view import PlatformEntry, PlatformView, TrueListing
from sync_platform.sandbox.record_formats import JsonRecord
from sync_platform.sandbox.spelling import vary_address, vary_coordinates, vary_english
from sync_platform.sandbox.wire import ListAnswer, RenderedRows, WireReply, WireRequest, json_reply, list_answer

FIRST_ID = 1_820_000_000_000_000_000
TOKEN_LIFE_S = 7200
CLOCK_TOLERANCE_S = 600
MAX_PAGE = 200
UNKNOWN_TOKEN, BAD_SIGNATURE, USED_REFRESH_TOKEN, STALE_TIMESTAMP = 115000101, 115000102, 115000103, 115000104
MISSING_PARAMETER, WRONG_PARAMETER, UNKNOWN_SHOP, SERVER_ERROR = 115000201, 115000202, 115000301, 315000101
Fields = dict[str, Any]


class KeetaError(Exception):
    """An answer whose code is not 0."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def sign(url: str, fields: Fields, secret: str) -> str:
    """Lowercase hex SHA-256 of the URL, the sorted other fields and the secret, as the platform's page defines it."""
    pairs = "&".join(f"{name}={_as_text(fields[name])}" for name in sorted(fields) if name != "sig")
    return sha256(f"{url}?{pairs}{secret}".encode()).hexdigest()


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


class Tokens:
    """Access tokens with their expiry (Unix time in seconds), and the refresh tokens issued and used so far."""

    def __init__(self) -> None:
        self._expiries: dict[str, float] = {}
        self._issued: set[str] = set()
        self._used: set[str] = set()

    def check(self, fields: Fields) -> None:
        """KeetaError where the call has no valid access token."""
        if self._expiries.get(str(fields.get("accessToken")), 0.0) < time.time():
            raise KeetaError(UNKNOWN_TOKEN, "accessToken is unknown or has expired")

    def issue(self, fields: Fields) -> Fields:
        """A new pair of tokens. A refresh token issued here works once; one from elsewhere always works."""
        token = str(fields.get("refreshToken") or "")
        if not token or fields.get("grantType") != "refresh_token":
            raise KeetaError(MISSING_PARAMETER, "grantType refresh_token and a refreshToken are needed")
        if token in self._used:
            raise KeetaError(USED_REFRESH_TOKEN, "refreshToken was used before")
        if token in self._issued:
            self._used.add(token)
        access, refresh = f"at-{token_hex(16)}", f"rt-{token_hex(16)}"
        now = int(time.time())
        self._expiries[access] = now + TOKEN_LIFE_S
        self._issued.add(refresh)
        return {"accessToken": access, "expiresIn": TOKEN_LIFE_S, "refreshToken": refresh, "issuedAtTime": now}

    def revoke_all(self) -> None:
        """Ends all access tokens; refresh tokens still work."""
        self._expiries.clear()


class Keeta(PlatformView):
    """Shops and menus. Every `appId` is accepted; its secret is `sandbox` or the id itself."""

    platform = "keeta"
    share = 0.255
    faults = PAGED | {"error-in-200"}

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens()

    @cached_property
    def _routes(self) -> dict[str, Callable[[Fields], WireReply | ListAnswer]]:
        return {
            "/base/authorized/resource/get": self._shops,
            "/scm/shop/base/get": self._shop,
            "/product/spu/list": self._menu,
        }

    def answer(self, request: WireRequest) -> WireReply | ListAnswer:
        try:
            fields = _read_fields(request)
            self._check_signature(request.url, fields)
            if request.path == "/base/oauth/token":
                return _answer(0, "success", self._tokens.issue(fields))
            if request.path not in self._routes:
                raise KeetaError(WRONG_PARAMETER, f"nothing at {request.path}")
            self._tokens.check(fields)
            return self._routes[request.path](fields)
        except KeetaError as error:
            return _answer(error.code, error.message)

    def refuse(self, status: int, message: str) -> WireReply:
        """Refused credentials are an error inside HTTP 200, and no access token is valid afterwards."""
        if status == 401:
            self._tokens.revoke_all()
            return _answer(UNKNOWN_TOKEN, "accessToken is unknown or has expired")
        return json_reply({"code": SERVER_ERROR, "message": message}, status)

    def fail_inside_200(self) -> WireReply:
        return _answer(SERVER_ERROR, "system busy")

    def truth(self) -> Iterator[TrueListing]:
        for entry in self.entries:
            yield TrueListing(entry.place, str(shop_id(entry)), entry.since, entry.until)

    def _check_signature(self, url: str, fields: Fields) -> None:
        for name in ("appId", "timestamp", "sig"):
            if not fields.get(name):
                raise KeetaError(MISSING_PARAMETER, f"{name} is missing")
        if not any(compare_digest(sign(url, fields, secret), str(fields["sig"])) for secret in _secrets(fields)):
            raise KeetaError(BAD_SIGNATURE, "sig does not match")
        timestamp = fields["timestamp"]
        if not isinstance(timestamp, int) or abs(timestamp - time.time()) > CLOCK_TOLERANCE_S:
            raise KeetaError(STALE_TIMESTAMP, "timestamp is not within ten minutes of now")

    @cached_property
    def _shop_rows(self) -> RenderedRows:
        return RenderedRows(self.listed, self._summary)

    def _shops(self, fields: Fields) -> ListAnswer:
        return _paged(self._shop_rows, fields, "authorizedShops", JsonRecord("latitude", "name"))

    def _summary(self, entry: PlatformEntry) -> bytes:
        detail = self._detail(entry)
        return orjson.dumps({field: detail[field] for field in ("id", "name", "address", "longitude", "latitude")})

    def _detail(self, entry: PlatformEntry) -> Fields:
        place, stream = entry.place, entry.stream()
        updated = entry.updated_on(self.today)
        name, premises = place.name(updated), place.premises(updated)
        latitude, longitude = vary_coordinates(stream, premises, 5, 70)
        shown_name = vary_english(stream, name.english, 0.3)
        if name.chinese and stream.random() < 0.5:
            shown_name = f"{name.chinese} {shown_name}" if stream.random() < 0.6 else name.chinese
        detail: Fields = {
            "id": shop_id(entry),
            "name": f"{shown_name} ({premises.area.english})" if place.chain else shown_name,
            "address": vary_address(stream, premises) if stream.random() < 0.6 else premises.chinese(),
            "longitude": f"{longitude:.6f}",
            "latitude": f"{latitude:.6f}",
            "categories": {"primary": "Food", "secondary": place.cuisines[0].english},
            "phones": [place.phone] if place.phone else [],
            "status": 1 if stream.random() < 0.96 else 2,
        }
        if stream.random() < 0.8:
            detail["rating"] = round(min(5, place.quality + 0.4), 1)
        if stream.random() < 0.9:
            detail |= {"deliveryFee": str(stream.choice((0, 5, 10, 15))), "minOrder": str(stream.choice((0, 40, 60)))}
        return detail

    @cached_property
    def _by_id(self) -> dict[int, PlatformEntry]:
        return {shop_id(entry): entry for entry in self.listed}

    def _find_shop(self, fields: Fields) -> PlatformEntry:
        wanted = str(fields.get("shopId"))
        entry = self._by_id.get(int(wanted)) if wanted.isdecimal() and len(wanted) < 20 else None
        if not entry:
            raise KeetaError(UNKNOWN_SHOP, f"shop {wanted} is not authorized")
        return entry

    def _shop(self, fields: Fields) -> ListAnswer:
        row = orjson.dumps(self._detail(self._find_shop(fields)))
        body = b'{"code":0,"message":"success","data":%b,"errorList":[]}'
        answer = list_answer([row], 0, 1, lambda page: body % page.joined(), JsonRecord("latitude", "name"))
        return replace(answer, is_record=True)

    def _menu(self, fields: Fields) -> ListAnswer:
        entry = self._find_shop(fields)
        rows = RenderedRows(range(5 + entry.noise % 15), lambda index: _dish(entry, index))
        return _paged(rows, fields, "spus", JsonRecord("status", "name"))


def shop_id(entry: PlatformEntry) -> int:
    """The platform's id of an entry."""
    return FIRST_ID + scramble(entry.number, 2**25) * 1009


def _secrets(fields: Fields) -> tuple[str, str]:
    return "sandbox", str(fields["appId"])


def _answer(code: int, message: str, data: Any = None) -> WireReply:
    return json_reply({"code": code, "message": message, "data": data, "errorList": []})


def _read_fields(request: WireRequest) -> Fields:
    try:
        fields = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise KeetaError(WRONG_PARAMETER, "the body is not JSON") from None
    if request.method != "POST" or not isinstance(fields, dict):
        raise KeetaError(WRONG_PARAMETER, "a POST with a JSON object is needed")
    return fields


def _paged(rows: RenderedRows, fields: Fields, key: str, record: JsonRecord) -> ListAnswer:
    page, size = fields.get("pageNum", 1), fields.get("pageSize", MAX_PAGE)
    if not isinstance(page, int) or not isinstance(size, int) or page < 1 or not 1 <= size <= MAX_PAGE:
        raise KeetaError(WRONG_PARAMETER, f"pageNum from 1, pageSize from 1 to {MAX_PAGE}")
    body = b'{"code":0,"message":"success","data":{"total":%d,"' + key.encode() + b'":[%b]},"errorList":[]}'
    return list_answer(
        rows, (page - 1) * size, size, lambda shown_page: body % (shown_page.total, shown_page.joined()), record
    )


def _dish(entry: PlatformEntry, index: int) -> bytes:
    stream = Random(entry.noise * 23 + index)
    cuisine = entry.place.cuisines[index % len(entry.place.cuisines)]
    dish = cuisine.dishes[index % 5]
    number = shop_id(entry) * 4 + 10**17 + index * 4
    price = 18 + entry.place.price * 14 + stream.randint(0, 30)
    style = ("", "Signature ", "Spicy ", "Large ")[index // 5 % 4]
    return orjson.dumps(
        {
            "id": number,
            "name": f"{style}{dish.english} {dish.chinese}",
            "shopCategoryName": stream.choice(("Mains", "Set Meals", "Drinks", "Chef's Choice")),
            "status": 1 if stream.random() < 0.93 else 0,
            "skus": [
                {"id": number + size, "price": f"{price + 8 * size:.2f}", "spec": ("Regular", "Large")[size]}
                for size in range(1 + (stream.random() < 0.3))
            ],
        }
    )
