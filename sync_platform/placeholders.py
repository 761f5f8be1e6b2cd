"""Placeholders: texts that a source writes for a blank, such as "N/A" or "(沒有記錄)". They become None.

What belongs here: the texts, by language, and how a text is compared with them. They are the same in a column of text,
which becomes None, and in an identifier, which names nobody then (vault/blank_identifiers.py). A platform adds its own
in `Dataset.placeholders`. Case, full-width letters, brackets, quotes and spaces make no difference.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

ENGLISH = (
    "n/a", "n.a", "no record", "no records", "no record found", "no records found", "no data", "no data found",
    "no information", "not available", "not applicable", "not provided", "not specified", "not stated",
    "information not available", "data not available", "to be confirmed", "to be announced", "to be determined",
    "to be advised", "to be updated", "to be provided", "tbc", "tbd", "null", "undefined", "unspecified", "not known",
    "not recorded", "not listed", "none provided", "#n/a", "#ref!", "#value!", "#null!",
)  # fmt: skip
CHINESE = (
    "沒有記錄", "無記錄", "未有記錄", "查無記錄", "沒有資料", "無資料", "未有資料", "暫無資料", "資料不詳", "不詳",
    "沒有提供", "未有提供", "未提供", "未能提供", "暫未提供", "不適用", "待定", "未定", "待確認", "待更新", "待補",
    "暫無", "暫缺", "沒有資料提供", "無資料提供", "未有提供資料", "沒有登記", "未有登記", "未登記", "未公佈",
)  # fmt: skip
"""In Traditional Chinese; `_SPELLINGS` adds other spellings, those of Simplified Chinese included."""
ALSO_NAMES = (
    "none", "nil", "na", "nan", "tba", "unknown", "pending", "blank", "empty", "not found", "無", "沒有", "未知",
)  # fmt: skip
"""Words that may be a name too: in a column of names they are placeholders only in brackets."""
NO_ACCOUNT = (
    "anonymous", "anonymous user", "anonymous member", "guest", "guest user", "deleted", "deleted user",
    "deleted account", "deleted member", "former user", "former member", "walk in", "walk-in", "no account",
    "no email", "no e-mail", "no phone", "no name", "匿名", "匿名用戶", "匿名會員", "訪客", "已刪除", "已刪除用戶",
    "已刪除帳戶", "已註銷用戶", "沒有帳戶",
)  # fmt: skip
"""What stands for an account where there is none: it is a text as any other elsewhere."""
LONGEST = 40  # characters; no placeholder is longer, brackets included
_SPELLINGS = str.maketrans(
    "没紀纪记录无资时暂适确认补详户会员访删账帐賬注销", "沒記記記錄無資時暫適確認補詳戶會員訪刪帳帳帳註銷"
)
_SIGNS = " -‐‑‒–—―−_./\\|~*?·・。…"
_BRACKETS = ("()", "[]", "{}", "<>", "「」", "『』", "【】", "〈〉", "《》", "〔〕", '""', "''", "“”", "‘’")
_NUMBER = re.compile(r"[1-9]")
_BETWEEN = re.compile(r"\s*/\s*")


@lru_cache(maxsize=100_000)
def is_placeholder(text: str, own: tuple[str, ...] = (), *, may_be_name: bool = False) -> bool:
    """True if the text stands for a blank. `own`: further placeholders of the platform. `may_be_name`: the text is in a
    column of names, where a word such as "None" may be a real name."""
    if len(text) > LONGEST:
        return False
    plain = _plain(text)
    bare = _without_brackets(plain)
    if not bare.strip(_SIGNS) or bare in _SURE or bare in map(_plain, own):
        return True
    return bare in ALSO_NAMES and (bare != plain or not may_be_name)


def is_account_placeholder(text: str) -> bool:
    """True if the text stands for no account in place of an account: a placeholder, "guest", zeros or -1."""
    if _NUMBER.search(text):  # no other placeholder has a digit
        return text.strip() == "-1"
    if len(text) > LONGEST:
        return False
    is_empty = not any(each.isalnum() and each != "0" for each in text)
    return is_empty or is_placeholder(text) or _without_brackets(_plain(text)) in NO_ACCOUNT


def without_placeholder(text: str | None, own: tuple[str, ...] = (), *, may_be_name: bool = False) -> str | None:
    """The text, or None for a placeholder."""
    return None if text is None or is_placeholder(text, own, may_be_name=may_be_name) else text


def without_placeholders(texts: list[str], own: tuple[str, ...] = (), *, may_be_name: bool = False) -> list[str]:
    """The texts that are no placeholders."""
    return [text for text in texts if not is_placeholder(text, own, may_be_name=may_be_name)]


def is_name(column: str) -> bool:
    """True if a column of that name has names: `name`, `name_en`, `chain_name`; `slug` is a name as well."""
    return "name" in column.split("_") or column == "slug"


def _plain(text: str) -> str:
    """The text in one spelling: half-width, lower case, Traditional Chinese, single spaces, no full stop at the end."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_SPELLINGS)
    return _BETWEEN.sub("/", " ".join(plain.split())).rstrip(".。")


def _without_brackets(plain: str) -> str:
    while len(plain) > 1 and plain[0] + plain[-1] in _BRACKETS:
        plain = plain[1:-1].strip().rstrip(".。")
    return plain


_SURE = frozenset({*ENGLISH, *CHINESE})
