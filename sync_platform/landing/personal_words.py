"""What looks personal: the words in the names of fields, and the forms of values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+")
"""It begins where a run of such characters begins: a search from each character of a picture in base64 takes hours."""
PHONE = re.compile(
    r"(?<![\w.])(?:\+\d{1,3}[\s-]?(?:\d[\s-]?){6,12}\d"  # international
    r"|\(?852\)?[\s-]?\d{4}[\s-]?\d{4}"  # Hong Kong's, with its country code
    r"|[5679]\d{3}[\s-]\d{4})(?![\w.])"  # a mobile number of Hong Kong in two groups
)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")
CONTACTS = frozenset(
    (
        "email", "mail", "mobile", "phone", "tel", "telephone", "cellphone", "whatsapp", "wechat", "weixin", "telegram",
        "instagram", "facebook", "電郵", "電話", "手機", "微信",
    )
)  # fmt: skip
ACCOUNTS = frozenset(("username", "nickname", "handle", "login", "screenname", "userid", "avatar", "用戶", "暱稱"))
PRIVATE = frozenset(("birthday", "birthdate", "dob", "passport", "hkid", "gender"))
CONTACT_PERSON = frozenset(("contactname", "contactperson"))
NAMES = frozenset(("name", "forename", "surname", "firstname", "lastname", "fullname", "displayname", "姓名"))
PERSONS = frozenset(
    (
        "user", "author", "reviewer", "guest", "customer", "diner", "member", "owner", "manager", "person", "staff",
        "writer", "poster", "booker", "uploader", "顧客", "會員",
    )
)  # fmt: skip


@lru_cache(4096)
def words_of(name: str) -> frozenset[str]:
    """The words of a field's name, in small letters, and each two of them as one: `userName` has `username` too."""
    words = [each.casefold() for each in WORD.findall(name)]
    return frozenset([*words, *(one + other for one, other in pairwise(words))])


def has_contact(value: Any) -> bool:
    """True if any text in the value has an e-mail address or a phone number."""
    return any(EMAIL.search(text) or PHONE.search(text) for text in texts_in(value))


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in _values_below(value):
        yield from texts_in(each)


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """The value if it is an object, and all objects below it."""
    if isinstance(value, dict):
        yield value
    for each in _values_below(value):
        yield from objects_in(each)


def _values_below(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
