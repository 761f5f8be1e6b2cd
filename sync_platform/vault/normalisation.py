"""The one spelling of an e-mail address, a phone number, a handle or a name, in whatever way it is written.

Two spellings that give the same text are one identifier. What is uncertain stays apart: `mei+1@example.hk` is not
`mei@example.hk`, because only the owner of a domain knows whether they are one mailbox.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from functools import lru_cache

ADDRESS = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\".]+")
"""An e-mail address and nothing else."""
PHONE = re.compile(r"(?:\+|\(\+?)?\d[\d\s().‐‑–-]{5,23}\d")
"""A phone number: 7 digits or more, with what is written between them."""
SEPARATORS = str.maketrans("", "", " \t\n\u00a0()-.‐‑–")
WORD = re.compile(r"[^\W_]+")
APOSTROPHES = str.maketrans("", "", "'’`")
HAN = re.compile(r"([\u3400-\u9fff\uf900-\ufaff])")
SHORTEST_DIGITS, HONG_KONG_DIGITS = 7, 8


def email_address(text: str) -> str | None:
    """The address in small letters, its domain in the form of the DNS; None for a text that is no address."""
    written = unicodedata.normalize("NFKC", text).strip()
    written = written.rpartition("<")[2].partition(">")[0].strip().removeprefix("mailto:").casefold()
    if not ADDRESS.fullmatch(written):
        return None
    if written.isascii():
        return written
    mailbox, _, domain = written.rpartition("@")
    return f"{mailbox}@{_of_dns(domain)}"


def phone_number(text: str) -> str | None:
    """The first number in the text as E.164, such as `+85291234567`; without a country code it is of Hong Kong.

    None where there is no number.
    """
    digits = text.translate(SEPARATORS)
    if not (digits.isascii() and digits.removeprefix("+").isdecimal()):
        match = PHONE.search(unicodedata.normalize("NFKC", text))
        digits = match[0].replace("(0)", "").translate(SEPARATORS) if match else ""
    if len(digits) == HONG_KONG_DIGITS:
        return f"+852{digits}"
    if digits.startswith("+852") and len(digits) == 12:
        return digits
    return _international(digits) if len(digits) >= SHORTEST_DIGITS else None


def handle(text: str) -> str | None:
    """The name or id of an account, in small letters and without `@`."""
    return unicodedata.normalize("NFKC", text).strip().removeprefix("@").casefold() or None


def person_name(text: str) -> str | None:
    """The words of the name in small letters, without accents, in the order of the alphabet.

    So `CHAN, Tai Man` is `Tai-Man Chan`. Each Chinese character is a word: `陳大文` is `大文` with the surname `陳`.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = HAN.sub(r" \1 ", "".join(each for each in text if not unicodedata.combining(each)))
    return " ".join(sorted(WORD.findall(text.translate(APOSTROPHES).casefold()))) or None


def _of_dns(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


@lru_cache(4096)
def _international(digits: str) -> str | None:
    """E.164 of a number with another country code, or of another length than in Hong Kong.

    After `00` comes a country code, and in Hong Kong after `001` too.
    """
    import phonenumbers  # the import takes a tenth of a second, and most numbers do not need it

    written = [digits]
    if digits.startswith("00"):
        written = [f"+{digits[2:]}", f"+{digits[3:]}"]
    elif not digits.startswith("+") and len(digits) > HONG_KONG_DIGITS:
        written = [f"+{digits}"]
    for each in written:
        with contextlib.suppress(phonenumbers.NumberParseException):
            parsed = phonenumbers.parse(each, "HK")
            if phonenumbers.is_valid_number(parsed):
                return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    return f"+{written[0].removeprefix('+')}"
