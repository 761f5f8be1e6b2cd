"""How platforms vary one value: names, addresses, telephone numbers and coordinates.

What belongs here: noise on one value, drawn from the entry's own random stream. What doesn't: how much of it a platform
has.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import cos, pi, radians, sin
from random import Random

from sync_platform.sandbox.place_names import BilingualName
from sync_platform.sandbox.premises import Premises

_ROMANISED = {
    "Kee": "Ki",
    "Cheung": "Cheong",
    "Wing": "Weng",
    "Lok": "Lock",
    "Fung": "Foong",
    "Wah": "Wa",
    "Heung": "Hung",
    "Shing": "Sing",
    "Tai": "Dai",
    "Kwong": "Guang",
    "Yuen": "Yuan",
    "Hoi": "Hoy",
    "Tak": "Duk",
    "Leung": "Liang",
    "Chan": "Chen",
}
_SUFFIXES = (" Restaurant", " Cha Chaan Teng", " Cafe", " Noodle Shop", " Kitchen", " Bistro", " Coffee")
_SHORT = {"Road": "Rd", "Street": "St", "Avenue": "Ave", "Building": "Bldg", "Centre": "Ctr", "Shop": "Shop No."}
METRES_PER_DEGREE = 111_320.0


def vary_english(stream: Random, name: str, noise: float = 0.5) -> str:
    """The name as a platform may write it; `noise` is the probability that it differs at all."""
    draw = stream.random() / noise
    pick = stream.random()
    if draw >= 1 or not name:
        return name
    if draw < 0.24:
        return name.upper()
    if draw < 0.48:
        return " ".join(_ROMANISED.get(word, word) if pick < 0.7 else word for word in name.split())
    if draw < 0.68:
        suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), "")
        return name.removesuffix(suffix) if suffix and len(name) - len(suffix) > 5 else f"{name} HK"
    if draw < 0.80:
        return name.replace(" & ", " and ") if " & " in name else name.replace("Cafe", "Café").replace("The ", "")
    if draw < 0.90:
        position = 1 + int(pick * (len(name) - 2))
        return name[:position] + name[position + 1 :]
    return name.replace(" ", "  ", 1) if pick < 0.5 else f" {name}"


def vary_chinese(stream: Random, name: BilingualName, premises: Premises, noise: float = 0.25) -> str:
    """The Chinese name as a platform may write it; empty where the place has none."""
    draw = stream.random() / noise
    if draw >= 1 or not name.chinese:
        return name.chinese
    if draw < 0.4:
        return f"{name.chinese}({premises.area.chinese}店)"
    if draw < 0.6:
        return name.chinese.replace("滙", "匯").replace("館", "舘")
    if draw < 0.8 and len(name.chinese) > 4:
        return name.chinese[:-2]
    return name.chinese.replace("餐廳", "茶餐廳")


def vary_address(stream: Random, premises: Premises) -> str:
    """The English address, sometimes in capitals, abbreviated or without its shop number."""
    address = premises.english()
    draw = stream.random()
    if draw < 0.15:
        return address.upper()
    if draw < 0.4:
        return " ".join(
            _SHORT.get(word.rstrip(","), word.rstrip(",")) + ("," * word.endswith(",")) for word in address.split()
        )
    if draw < 0.5 and premises.shop:
        return address.partition(", ")[2]
    return address


def format_phone(stream: Random, phone: str) -> str:
    """The eight digits in one of the usual formats; empty stays empty."""
    if not phone:
        return ""
    return stream.choice((phone, f"{phone[:4]} {phone[4:]}", f"+852 {phone[:4]} {phone[4:]}", f"852-{phone}"))


def vary_coordinates(
    stream: Random, premises: Premises, closest_m: float = 5, farthest_m: float = 120
) -> tuple[float, float]:
    """Latitude and longitude between `closest_m` and `farthest_m` away from the premises, in any direction."""
    angle = stream.uniform(0, 2 * pi)
    distance = closest_m + (farthest_m - closest_m) * stream.random() ** 2
    latitude = premises.latitude + distance * sin(angle) / METRES_PER_DEGREE
    scale = METRES_PER_DEGREE * cos(radians(premises.latitude))
    return round(latitude, 7), round(premises.longitude + distance * cos(angle) / scale, 7)


def moment_before(day: date, number: int) -> str:
    """A moment of the day before `day`, in ISO 8601 with Hong Kong's offset: a day shows what happened before it."""
    return f"{day - timedelta(days=1)}T{10 + number % 12:02d}:{number // 12 % 60:02d}:{number // 720 % 60:02d}+08:00"


def in_utc(moment: str) -> str:
    """The same moment in UTC, with a Z."""
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
