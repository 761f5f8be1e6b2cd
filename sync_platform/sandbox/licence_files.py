"""The files of the licence register: their head with its code tables, and one row with its irregularities.

The irregularities are those of the real files: leftovers of Big5-HKSCS in the Private Use Area, full-width digits,
ideographic and doubled spaces, and `沒有記錄` where no shop sign is on record.
"""

from __future__ import annotations

import re
from datetime import date
from random import Random
from xml.sax.saxutils import escape

from sync_platform.sandbox.districts import FEHD_DISTRICTS
from sync_platform.sandbox.evolution import RegisteredLicence
from sync_platform.sandbox.place_names import BilingualName
from sync_platform.sandbox.true_places import TruePlace

PRIVATE_USE = str.maketrans({"鰂": "\ue517", "慤": "\ue16e", "愨": "\ue16e", "滙": "\ue061", "脷": "\ue77f"})
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_TYPES = {
    "RL": ("General Restaurant", "普通食肆"),
    "RR": ("Light Refreshment Restaurant", "小食食肆"),
    "MR": ("Marine Restaurant", "水上食肆"),
}
_INFO = {
    "#A": ("Outside Seating Accommodation", "露天座位"),
    "#B": ("Karaoke Establishment Permit", "卡拉OK場所許可證"),
    "#C": ("Karaoke Establishment Exemption", "豁免卡拉OK場所許可證"),
    "#D": ("ISO 22000 Certification", "ISO 22000認證"),
    "#E": ("Sale of Raw Meat", "售賣生肉"),
    "#F": ("Sale of Raw Oysters", "售賣生蠔"),
    "#G": ("Sale of Sashimi", "售賣刺身"),
    "#H": ("Sale of Sushi", "售賣壽司"),
}
_LINK = "https://www.fehd.example/licensing/index.html"


def write_head(language: str, generated: date) -> bytes:
    """Everything before the first row."""
    which = 0 if language == "en" else 1
    tables = []
    for tag, codes in (("TYPE_CODE", _TYPES), ("DIST_CODE", FEHD_DISTRICTS), ("INFO_CODE", _INFO)):
        rows = "".join(f'<CODE ID="{code}">{escape(labels[which])}</CODE>\n' for code, labels in codes.items())
        tables.append(f"<{tag}>\n{rows}</{tag}>\n")
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<DATA>\n<GENERATION_DATE>{generated}</GENERATION_DATE>\n'
    return f"{head}<LINK>{_LINK}</LINK>\n{''.join(tables)}<LPS>\n".encode()


def write_row(language: str, day: date, place: TruePlace, licence: RegisteredLicence, expiry: date) -> bytes:
    """One licence on a day, as an LP element."""
    stream = Random(int(licence.number))
    sign = _shop_sign(stream, place.name(max(licence.since, min(day, place.closed))), language)
    address = _address(stream, place, licence, language)
    row = (
        f"<LP><TYPE>{licence.kind}</TYPE><DIST>{licence.fehd}</DIST><LICNO>{licence.number}</LICNO>"
        f"<SS>{escape(sign)}</SS><ADR>{escape(address)}</ADR>"
    )
    info = f"<INFO>{place.info}</INFO>" if place.info else "<INFO/>"
    return f"{row}{info}<EXPDATE>{expiry}</EXPDATE></LP>\n".encode()


def write_damaged(file: bytes) -> bytes:
    """The file with an unclosed tag in its first record, every `&` bare, and a control character in its last record.

    The values of all other records stay the same.
    """
    first, last = file.find(b"</ADR>"), file.rfind(b"</SS>")
    if first < 0 or last < first:
        return file
    damaged = file[:first] + file[first + len(b"</ADR>") : last] + b"\x0b" + file[last:]
    return damaged.replace(b"&amp;", b"&")


def _shop_sign(stream: Random, name: BilingualName, language: str) -> str:
    """The shop sign in this language; about half of the places have registered only one, which both files show."""
    draw, capitals = stream.random(), stream.random()
    if draw < 0.01:
        return "No Record" if language == "en" else "沒有記錄"
    english, chinese = name.english, name.chinese or name.english
    if draw < 0.35:
        english = chinese
    elif draw < 0.55:
        chinese = english
    sign = (english.upper() if capitals < 0.4 else english) if language == "en" else chinese
    return _irregular(stream, sign, language)


def _address(stream: Random, place: TruePlace, licence: RegisteredLicence, language: str) -> str:
    premises = place.second_premises if licence.premises else place.first_premises
    region = premises.region("en" if language == "en" else "zh")
    if language == "en":
        return _irregular(stream, f"{premises.english()}, {region}".upper(), language)
    return _irregular(stream, region + premises.chinese(), language)


def _irregular(stream: Random, text: str, language: str) -> str:
    """The text with an irregularity of the real files, sometimes."""
    draw = stream.random()
    if language == "tc":
        if stream.random() < 0.5:
            text = text.translate(PRIVATE_USE)
        if draw < 0.02:
            return text.translate(_FULL_WIDTH)
        if draw < 0.05:
            return re.sub("(?<=號)", "\u3000", text, count=1)
    if 0.05 <= draw < 0.09:
        return text.replace(" ", "  ", 1) if " " in text else re.sub("(?<=號)", "  ", text, count=1)
    return text


class XmlRecord:
    """How the list faults change an LP element."""

    def retyped(self, row: bytes) -> bytes:
        """The row with an element in place of the district's text."""
        return re.sub(rb"<DIST>([^<]*)", rb"<DIST><CODE>\1</CODE>", row)

    def widened(self, row: bytes) -> bytes:
        """The row with an additional, unknown element."""
        return row.replace(b"</LP>", b"<SANDBOX_NEW>1</SANDBOX_NEW></LP>")

    def altered(self, row: bytes) -> bytes:
        """The row with another shop sign."""
        return row.replace(b"</SS>", b" (CHANGED)</SS>")
