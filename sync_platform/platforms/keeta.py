"""Keeta: a merchant's own shops and menus, from the merchant Open Platform.

Every call is a signed POST and every answer is HTTP 200; what went wrong stands in `code`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Annotated, Any, TypeVar

import msgspec
import orjson

from sync_platform.errors import AuthenticationFailed, ContractBroken, Refused, ServerFailed, SyncError
from sync_platform.sources.client import Reply
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Attached, Dataset, Pace, Platform, Terms
from sync_platform.sources.decoding import Decoding, Identity
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.paging import Slice, numbered
from sync_platform.sources.received import Page, Record, records_of
from sync_platform.sources.rules import COUNT, LATITUDE, LONGITUDE, PHONE, TRADING, Together, Within
from sync_platform.sources.values import coordinate_or_text, filled, money_or_text

T = TypeVar("T")
PAGE_SIZE = 200
REFRESH_AHEAD_S = 60
OPEN = 1
STATUSES = {OPEN: "open", 2: "closed"}
SECRET = "refresh_token"  # noqa: S105 - the name of a secret, not one


class Categories(msgspec.Struct):
    primary: str | None = None
    secondary: str | None = None


class Shop(msgspec.Struct):
    """One authorised shop with its details, as sent."""

    id: Identity
    name: str | None = None
    address: str | None = None
    longitude: str | float | None = None
    latitude: str | float | None = None
    categories: Categories | None = None
    phones: list[str] | None = None
    status: int | None = None
    rating: float | None = None
    deliveryFee: str | float | None = None
    minOrder: str | float | None = None


class Sku(msgspec.Struct):
    id: Identity | None = None
    price: str | float | None = None
    spec: str | None = None


class Spu(msgspec.Struct):
    """One dish as sent, with the id of the shop that it was asked of."""

    id: Identity
    shopId: Identity
    name: str | None = None
    shopCategoryName: str | None = None
    status: int | None = None
    skus: list[Sku] | None = None


class Restaurant(Row):
    """One shop of the merchant on Keeta."""

    name: Annotated[str | None, column("Name; which language it is in is not said", matters=True)] = None
    address: Annotated[str | None, column("Address; which language it is in is not said", matters=True)] = None
    latitude: Annotated[float | None, column("Latitude", unit="degrees, WGS84", matters=True, rules=LATITUDE)] = None
    longitude: Annotated[float | None, column("Longitude", unit="degrees, WGS84", matters=True, rules=LONGITUDE)] = None
    phones: Annotated[list[str], column("Telephones as given", matters=True, rules=PHONE)] = []
    status: Annotated[str | None, column("open, closed, or unknown:<code>", matters=True, rules=TRADING)] = None
    category: Annotated[str | None, column("Kind of shop, in the platform's words")] = None
    cuisines: Annotated[list[str], column("Cuisines, in the platform's words", matters=True)] = []
    rating: Annotated[float | None, column("Mean rating", unit="0 to 5", rules=(Within(0, 5),))] = None
    delivery_fee_hkd: Annotated[Decimal | None, column("Delivery fee", unit="HKD", rules=COUNT)] = None
    min_order_hkd: Annotated[Decimal | None, column("Smallest order", unit="HKD", rules=COUNT)] = None


class MenuItem(Row):
    """One dish of a shop."""

    restaurant_id: Annotated[
        str, column("The shop: `source_id` in keeta.restaurants", matters=True, refers_to="restaurants")
    ]
    name: Annotated[str | None, column("Name; which language it is in is not said", matters=True)] = None
    menu_category: Annotated[str | None, column("Heading on the menu", matters=True)] = None
    is_on_sale: Annotated[bool | None, column("Whether it can be ordered")] = None
    price_min_hkd: Annotated[Decimal | None, column("Cheapest size", unit="HKD", matters=True, rules=COUNT)] = None
    price_max_hkd: Annotated[Decimal | None, column("Dearest size", unit="HKD", rules=COUNT)] = None
    sizes: Annotated[list[str], column("Sizes as `name: price`", unit="HKD")] = []


def _restaurant(shop: Shop) -> Restaurant:
    categories = shop.categories or Categories()
    cuisine = filled(categories.secondary)
    return Restaurant(
        source_id=str(shop.id),
        name=filled(shop.name),
        address=filled(shop.address),
        latitude=coordinate_or_text(shop.latitude),
        longitude=coordinate_or_text(shop.longitude),
        phones=[number for phone in shop.phones or [] if (number := filled(phone))],
        status=None if shop.status is None else STATUSES.get(shop.status, f"unknown:{shop.status}"),
        category=filled(categories.primary),
        cuisines=[cuisine] if cuisine else [],
        rating=shop.rating,
        delivery_fee_hkd=money_or_text(shop.deliveryFee),
        min_order_hkd=money_or_text(shop.minOrder),
    )


def _menu_item(spu: Spu) -> MenuItem:
    # sizes are shown within their dish: a dish whose sizes change is one changed row, not rows that come and go
    prices = [(filled(sku.spec) or "", money_or_text(sku.price)) for sku in spu.skus or []]
    known = [price for _, price in prices if price is not None]
    return MenuItem(
        source_id=f"{spu.shopId}/{spu.id}",
        restaurant_id=str(spu.shopId),
        name=filled(spu.name),
        menu_category=filled(spu.shopCategoryName),
        is_on_sale=None if spu.status is None else spu.status == 1,
        price_min_hkd=min(known, default=None),
        price_max_hkd=max(known, default=None),
        sizes=[f"{spec}: {price}" for spec, price in prices],
    )


class _Envelope(msgspec.Struct):
    code: int
    message: str | None = None
    data: Any = None


class _Shops(msgspec.Struct):
    authorizedShops: list[Any]
    total: int | None = None


class _Menu(msgspec.Struct):
    spus: list[Any]
    total: int | None = None


class _Tokens(msgspec.Struct):
    accessToken: str
    refreshToken: str
    expiresIn: float = 0


def signature(url: str, fields: Mapping[str, Any], secret: str) -> str:
    """Lowercase hex SHA-256 of `URL?k=v&k=v` (fields sorted by name, `sig` left out) followed by the app secret."""
    pairs = "&".join(f"{name}={_text(fields[name])}" for name in sorted(fields) if name != "sig")
    return sha256(f"{url}?{pairs}{secret}".encode()).hexdigest()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _data(reply: Reply) -> Any:
    """What an answer holds; its code as an error where it is not 0. The families are the platform's own."""
    envelope = reply.json_as(_Envelope)
    if envelope.code == 0:
        return envelope.data
    told = f"keeta: {reply.url} answered code {envelope.code}: {envelope.message or 'no message'}"
    family = str(envelope.code)[:7]
    if family == "1150001":
        raise AuthenticationFailed(told)
    if family in ("1150002", "1150003"):
        raise Refused(told)
    raise ServerFailed(told)


class _Session:
    """Signed calls under an access token, which is refreshed once for all who find it expired."""

    def __init__(self, extraction: Extraction) -> None:
        self._extraction = extraction
        self._app_id = extraction.credentials["app_id"]
        self._app_secret = extraction.credentials["app_secret"]
        self._refreshing = asyncio.Lock()
        self._access: str | None = None
        self._expires_at = 0.0

    async def call(self, path: str, fields: Mapping[str, Any], read: Callable[[Reply], T]) -> T:
        """One call; a refused token is refreshed once, a second refusal is AuthenticationFailed."""
        token = await self._token()
        try:
            return await self._post(path, {**fields, "accessToken": token}, read)
        except AuthenticationFailed:
            if self._access == token:
                self._access = None
        return await self._post(path, {**fields, "accessToken": await self._token()}, read)

    async def _post(self, path: str, fields: Mapping[str, Any], read: Callable[[Reply], T]) -> T:
        def body(url: str) -> bytes:
            whole = {**fields, "appId": self._app_id, "timestamp": int(time.time())}
            return orjson.dumps({**whole, "sig": signature(url, whole, self._app_secret)})

        return await self._extraction.client.post(path, body, read=read)

    async def _token(self) -> str:
        async with self._refreshing:
            if self._access is None or time.monotonic() > self._expires_at:
                self._access = await self._refresh()
            return self._access

    async def _refresh(self) -> str:
        """A new access token, by the refresh token last handed to us, else by the configured one.

        A refresh token works once: its successor is kept before anything is done with the access token.
        """
        known = [self._extraction.secrets.read(SECRET), self._extraction.credentials["refresh_token"]]
        refused: SyncError | None = None
        for token in dict.fromkeys(filter(None, known)):
            fields = {"grantType": "refresh_token", "refreshToken": token}
            try:
                tokens = await self._post(
                    "/base/oauth/token", fields, lambda reply: reply.shaped(_data(reply), _Tokens, "token")
                )
            except (AuthenticationFailed, Refused) as error:
                refused = error
                continue
            self._extraction.secrets.write(SECRET, tokens.refreshToken)
            self._expires_at = time.monotonic() + max(0.0, tokens.expiresIn - REFRESH_AHEAD_S)
            return tokens.accessToken
        raise AuthenticationFailed(
            f"keeta: no access token: check KEETA_APP_ID, KEETA_APP_SECRET and KEETA_REFRESH_TOKEN ({refused})"
        )


class Keeta(Platform):
    """The authorised shops, each with its details, and the menu of each."""

    name = "keeta"
    title = "Keeta"
    description = "A merchant's own shops on Keeta, and their menus."
    live_base_url = "https://open.mykeeta.com/api/open"
    cadence = "monthly"
    priority = "low"
    terms = Terms(
        "Keeta Open Platform, a merchant's own shops only", "https://open.mykeeta.com", agreement_needed=False
    )
    pace = Pace(requests_per_second=5, concurrency=4)
    datasets = (
        Dataset(
            "restaurants",
            "The merchant's shops on Keeta.",
            Restaurant,
            key=("id",),
            decoding=Decoding(Shop, _restaurant),
            rules=(Together(("latitude", "longitude")),),
            listing={
                "name_en": "name",
                "address_en": "address",
                "phone": "array_to_string(phones, '; ')",
            },
        ),
        Dataset(
            "menu_items",
            "The dishes of those shops.",
            MenuItem,
            key=("shopId", "id"),
            decoding=Decoding(Spu, _menu_item),
            attached=Attached(
                "offers",
                {
                    "kind": "'menu_item'",
                    "title_en": "name",
                    "category": "menu_category",
                    "price_min_hkd": "price_min_hkd",
                    "price_max_hkd": "price_max_hkd",
                    "is_available": "is_on_sale",
                },
            ),
        ),
    )

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {}

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        session = _Session(extraction)
        shops = await _shops(extraction, session)

        async def details(part: Extraction, shop: Record) -> AsyncIterator[Page]:
            part.expect_pages("restaurants", 1)
            read = partial(_read_details, shop)
            yield (await session.call("/scm/shop/base/get", {"shopId": shop["id"]}, read)).as_page("restaurants")

        open_shops: set[str] = set()

        async def menu(part: Extraction, shop: Record) -> AsyncIterator[Page]:
            dishes = 0
            async for page in _menu(part, session, shop["id"]):
                dishes += len(page.records)
                yield page
            if not dishes and _shop_id(shop) in open_shops:
                part.report_finding("menu_items", f"shop {_shop_id(shop)} is open and lists no dish")

        async for page in extraction.each_part("restaurants", shops, details, _shop_id):
            open_shops |= {_shop_id(shop) for shop in page.records if shop.get("status") == OPEN}
            yield page
        if extraction.wants("menu_items"):
            extraction.inherit_gaps("menu_items", "restaurants")
            async for page in extraction.each_part("menu_items", shops, menu, _shop_id):
                yield page


def _read_details(shop: Record, reply: Reply) -> Slice:
    """A shop as listed, with its details; ContractBroken where they are none of a shop's, or another shop's."""
    details = reply.shaped(_data(reply), Record)
    if str(details.get("id", shop["id"])) != str(shop["id"]):
        raise ContractBroken("keeta", reply.url, _shop_id(shop), "$.data.id", "not the shop that was asked for")
    if not (details.keys() - {"id"}) & {*Shop.__struct_fields__}:
        raise ContractBroken("keeta", reply.url, _shop_id(shop), "$.data", "no field of a shop")
    return Slice(records_of([{**shop, **details}]), reply)


def _shop_id(shop: Record) -> str:
    return str(shop.get("id"))


async def _shops(extraction: Extraction, session: _Session) -> list[Record]:
    """Every authorised shop, once; pages that cannot be had are told."""

    async def fetch(page: int) -> _Shops:
        fields = {"pageNum": page, "pageSize": PAGE_SIZE}
        return await session.call(
            "/base/authorized/resource/get", fields, lambda reply: reply.shaped(_data(reply), _Shops, str(page))
        )

    try:
        first = await fetch(1)
    except SyncError as error:
        extraction.expect_pages("restaurants", 1)
        extraction.report_failure("restaurants", error)
        return []
    if first.total is not None:
        extraction.report_total("restaurants", first.total)
    found, claimed = records_of(first.authorizedShops), first.total or 0
    last = -(-claimed // PAGE_SIZE)
    async for part in extraction.each("restaurants", range(2, last + 1), fetch):
        found += records_of(part.authorizedShops)
        claimed = max(claimed, part.total or 0)
    named = {str(shop["id"]): shop for shop in found if isinstance(shop.get("id"), int | str) and shop["id"]}
    if len(named) < len(found):
        extraction.report_finding("restaurants", f"{len(found) - len(named)} shops are listed twice or without an id")
    if len(named) < claimed:
        extraction.report_finding("restaurants", f"the list claims {claimed:,} shops and names {len(named):,}")
    return list(named.values())


async def _menu(extraction: Extraction, session: _Session, shop_id: Identity) -> AsyncIterator[Page]:
    """One shop's menu."""

    async def fetch(page: int) -> Slice:
        def read(reply: Reply) -> Slice:
            menu = reply.shaped(_data(reply), _Menu, str(page))
            records = [{**spu, "shopId": shop_id} for spu in records_of(menu.spus)]
            return Slice(records, reply, total=menu.total, pages=-(-(menu.total or 0) // PAGE_SIZE))

        return await session.call(
            "/product/spu/list", {"shopId": shop_id, "pageNum": page, "pageSize": PAGE_SIZE}, read
        )

    async for page in numbered(extraction, "menu_items", fetch):
        yield page
