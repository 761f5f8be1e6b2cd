"""A platform whose records are about persons: reservations at a small diner."""

from __future__ import annotations

from typing import Annotated

import msgspec

from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.decoding import Decoding
from sync_platform.sources.received import Record
from sync_platform.vault.personal_fields import Personal, PersonalKind
from sync_platform_tests.lake.harness import diner

NAME, EMAIL, PHONE, NOTE = "name", "email", "phone", "note"


class Reservation(msgspec.Struct):
    """A record as sent."""

    id: int
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    note: str | None = None
    seats: int | None = None
    wishes: list[str] | None = None
    updated_at: str | None = None


class ReservationRow(Row):
    """A record as stored."""

    name: Annotated[str | None, column("Guest's name", sealed=True)] = None
    email: Annotated[str | None, column("Guest's address", sealed=True)] = None
    phone: Annotated[str | None, column("Guest's number", sealed=True)] = None
    note: Annotated[str | None, column("What the guest asks for", sealed=True)] = None
    seats: Annotated[int | None, column("Guests")] = None
    wishes: Annotated[list[str] | None, column("What the guest ticked", is_set=True)] = None


def _row(sent: Reservation) -> ReservationRow:
    return ReservationRow(
        source_id=str(sent.id),
        name=sent.name,
        email=sent.email,
        phone=sent.phone,
        note=sent.note,
        seats=sent.seats,
        wishes=sent.wishes,
    )


RESERVATIONS = Dataset(
    "reservations",
    "Reservations of a diner.",
    ReservationRow,
    key=("id",),
    decoding=Decoding(Reservation, _row),
    personal=Personal(
        {
            NAME: PersonalKind.name,
            EMAIL: PersonalKind.email,
            PHONE: PersonalKind.phone,
            NOTE: PersonalKind.text,
        },
        subject=(EMAIL, PHONE),
    ),
)
ADA: Record = {
    "id": 1,
    "name": "Ada Wong",
    "email": "ada@guest.hk",
    "phone": "+852 9123 4567",
    "note": "window",
    "seats": 2,
}
BEN: Record = {"id": 2, "name": "Ben Ho", "email": "ben@guest.hk", "phone": "+852 9765 4321", "seats": 4}
CAT: Record = {"id": 3, "name": "Cat Lee", "email": "cat@guest.hk", "note": "high chair", "seats": 3}


def guest_book() -> Platform:
    """The platform `guestbook`."""
    return diner("guestbook", dataset=RESERVATIONS)
