"""Keeta: a merchant's own shops and menus, from the merchant Open Platform.

Special: every call is a signed POST, every answer is HTTP 200 with the outcome in `code`, and a refresh token works
once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import msgspec

from sync_platform.errors import ContractBroken
from sync_platform.platforms._signed_calls import ERROR_CODE, Session, data_of
from sync_platform.sources.codes import code_names
from sync_platform.sources.columns import Row, column, sent_as
from sync_platform.sources.declaration import Attachment, Dataset, Pace, Platform, Terms
from sync_platform.sources.decoding import Identity
from sync_platform.sources.endpoints import Endpoint, NumberedPaging
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.fetching import pages_of
from sync_platform.sources.id_lists import IdList, read_id_list
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.place import Place
from sync_platform.sources.received import Page, Record, integer_at, records_of
from sync_platform.sources.reply import Reply
from sync_platform.sources.rules import COUNT, PHONE, TRADING, Together
from sync_platform.sources.scalars import id_text
from sync_platform.sources.values import NumberText, coordinate_or_text, filled_texts, money_or_text, name_of_code

OPEN = 1
STATUSES = {OPEN: "open", 2: "closed"}
_status_code = integer_at("status")


PAGES = NumberedPaging(size=200, page="pageNum", limit="pageSize", total="data.total?")
SHOPS = Endpoint(
    "restaurants", "/base/authorized/resource/get", records="data.authorizedShops", paging=PAGES, error_code=ERROR_CODE
)
MENU = Endpoint("menu_items", "/product/spu/list", records="data.spus", paging=PAGES, error_code=ERROR_CODE)


class Sku(msgspec.Struct):
    """One size of a dish."""

    id: Identity | None = None
    price: NumberText | float | None = None
    spec: str | None = None


def _is_on_sale(status: int | None) -> bool | None:
    return None if status is None else status == 1


def _prices(skus: list[Sku] | None) -> list[Decimal]:
    return [price for sku in skus or [] if (price := money_or_text(sku.price)) is not None]


def _price_min(skus: list[Sku] | None) -> Decimal | None:
    return min(_prices(skus), default=None)


def _price_max(skus: list[Sku] | None) -> Decimal | None:
    return max(_prices(skus), default=None)


def _sizes(skus: list[Sku] | None) -> list[str]:
    return [f"{(sku.spec or '').strip()}: {money_or_text(sku.price)}" for sku in skus or []]


class Restaurant(Row):
    """One shop of the merchant on Keeta."""

    name: Annotated[str | None, column("Name; which language it is in is not said", matters=True)] = None
    address: Annotated[str | None, column("Address; which language it is in is not said", matters=True)] = None
    latitude: Annotated[Place.Latitude, sent_as(convert=coordinate_or_text)] = None
    longitude: Annotated[Place.Longitude, sent_as(convert=coordinate_or_text)] = None
    phones: Annotated[
        list[str], column("Telephones as given", matters=True, rules=PHONE, is_set=True), sent_as(convert=filled_texts)
    ] = []
    status: Annotated[
        str | None,
        column("open, closed, or unknown:<code>", matters=True, rules=TRADING),
        sent_as(convert=name_of_code(STATUSES)),
    ] = None
    category: Annotated[str | None, column("Kind of shop, in the platform's words"), sent_as("categories.primary")] = (
        None
    )
    cuisines: Annotated[Place.Cuisines, sent_as("categories.secondary", convert=code_names)] = []
    rating: Place.Rating = None
    delivery_fee_hkd: Annotated[
        Decimal | None,
        column("Delivery fee", unit="HKD", rules=COUNT),
        sent_as("deliveryFee", convert=money_or_text),
    ] = None
    min_order_hkd: Annotated[
        Decimal | None, column("Smallest order", unit="HKD", rules=COUNT), sent_as("minOrder", convert=money_or_text)
    ] = None


class MenuItem(Row):
    """One dish of a shop, with its sizes: a dish whose sizes change is one changed row."""

    restaurant_id: Annotated[
        str,
        column("The shop: `source_id` in keeta.restaurants", matters=True, refers_to="restaurants"),
        sent_as("shopId"),
    ]
    name: Annotated[str | None, column("Name; which language it is in is not said", matters=True)] = None
    menu_category: Annotated[str | None, column("Heading on the menu", matters=True), sent_as("shopCategoryName")] = (
        None
    )
    is_on_sale: Annotated[bool | None, column("Whether it can be ordered"), sent_as("status", convert=_is_on_sale)] = (
        None
    )
    price_min_hkd: Annotated[
        Decimal | None,
        column("Cheapest size", unit="HKD", matters=True, rules=COUNT),
        sent_as("skus", convert=_price_min),
    ] = None
    price_max_hkd: Annotated[
        Decimal | None, column("Dearest size", unit="HKD", rules=COUNT), sent_as("skus", convert=_price_max)
    ] = None
    sizes: Annotated[
        list[str], column("Sizes as `name: price`", unit="HKD", is_set=True), sent_as("skus", convert=_sizes)
    ] = []


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
            part="source_id",
            rules=(Together(("latitude", "longitude")),),
            listing={"name_en": "name", "address_en": "address", "phone": "array_to_string(phones, '; ')"},
        ),
        Dataset(
            "menu_items",
            "The dishes of those shops.",
            MenuItem,
            key=("shopId", "id"),
            attached=Attachment(
                "offers",
                {
                    "kind": "'menu_item'",
                    "title_en": "name",
                    "category": "menu_category",
                    "is_available": "is_on_sale",
                },
            ),
        ),
    )

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        session = Session(extraction)
        id_list = await _shops(extraction, session)
        shops = list(id_list.by_id.values())
        for page in id_list.without_id:
            extraction.expect_pages("restaurants", 1)
            yield page
        if extraction.wants("menu_items"):
            extraction.inherit_doubt("menu_items", "restaurants")
        for dataset in filter(extraction.wants, ("restaurants", "menu_items")):
            if dataset == "menu_items" and id_list.without_id:
                lost = (
                    f"{id_list.count_without_id:,} restaurants came without an id, and what belongs to them is missing"
                )
                extraction.report_missing_parents("menu_items", "restaurants", lost)
            elif not extraction.gaps["restaurants"].is_known:
                extraction.report_all_parts_known(dataset)
            elif dataset == "menu_items":
                extraction.inherit_gaps("menu_items", "restaurants")

        async def details(part: Extraction, shop: Record) -> AsyncIterator[Page]:
            part.expect_pages("restaurants", 1)
            read = partial(_read_details, shop)
            yield (await session.call("/scm/shop/base/get", {"shopId": shop["id"]}, read)).as_page("restaurants")

        open_shops: set[str] = set()

        async def menu(part: Extraction, shop: Record) -> AsyncIterator[Page]:
            dishes = 0
            async for page in pages_of(part, MENU, get=partial(_get_of_shop, session, shop)):
                dishes += len(page.records)
                yield page
            if not dishes and _shop_id(shop) in open_shops:
                part.report_finding("menu_items", "the shop is open and lists no dish")

        async for page in extraction.each_part("restaurants", shops, details, _shop_id):
            open_shops |= {_shop_id(shop) for shop in page.records if _status_code(shop) == OPEN}
            yield page
        if extraction.wants("menu_items"):
            async for page in extraction.each_part("menu_items", shops, menu, _shop_id):
                yield page


async def _shops(extraction: Extraction, session: Session) -> IdList[Record]:
    """Every authorised shop, once; a list that is not complete is reported."""
    id_list = await read_id_list(extraction, SHOPS, lambda shop: shop, records="shops", get=session.call)
    if id_list.total is not None:
        extraction.report_total("restaurants", id_list.total)
    if surplus := id_list.listed - len(id_list.by_id) - id_list.count_without_id:
        extraction.report_finding("restaurants", f"{surplus} shops are listed twice")
    return id_list


def _read_details(shop: Record, reply: Reply) -> Slice:
    """A shop as listed, with its details; ContractBroken where they are not a shop's, or another shop's."""
    details = reply.shaped(data_of(reply), Record)
    if id_text(details.get("id", shop["id"])) != id_text(shop["id"]):
        raise ContractBroken("keeta", reply.url, _shop_id(shop), "$.data.id", "not the shop that was asked for")
    if not (details.keys() - {"id"}) & {*Keeta.datasets[0].wire.__struct_fields__}:
        raise ContractBroken("keeta", reply.url, _shop_id(shop), "$.data", "no field of a shop")
    return Slice(records_of([{**shop, **details}]), reply)


def _shop_id(shop: Record) -> str:
    return id_text(shop.get("id")) or ""


async def _get_of_shop(
    session: Session, shop: Record, path: str, fields: Mapping[str, Any], read: Callable[[Reply], Slice]
) -> Slice:
    """One page of a shop's dishes. Each record receives the shop's id, which the answer does not have."""
    found_slice = await session.call(path, {**fields, "shopId": shop["id"]}, read)
    return replace(found_slice, records=[{**dish, "shopId": shop["id"]} for dish in found_slice.records])
