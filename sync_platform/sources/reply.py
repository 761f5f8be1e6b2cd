"""One answer of a platform, and how its body is read as JSON."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import orjson

from sync_platform.errors import ContractBroken, MalformedBody
from sync_platform.sources.loose_json import decode_loosely, may_have_long_integer, may_repeat_name
from sync_platform.sources.loose_records import LooseReading, read_loosely

T = TypeVar("T")


@dataclass(frozen=True)
class Reply:
    """One answer as received: the body's bytes, and the facts about it that the manifest keeps.

    `loose_readings`: the fields of the answer that were read although they have another form than declared.
    """

    platform: str
    url: str
    status: int
    fetched_at: datetime
    body: bytes
    etag: str | None = None
    last_modified: str | None = None
    content_type: str = ""
    loose_readings: list[LooseReading] = field(default_factory=list, compare=False, repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def has_no_content(self) -> bool:
        """True for a success that has no body by its status: 204 and 205 (RFC 9110, 15.3.5 and 15.3.6)."""
        return self.status in (204, 205)

    def json(self) -> Any:
        """The decoded body; MalformedBody where it is not JSON. A value that JSON cannot express (`NaN`, half a
        surrogate pair, two values of one name) does not lose the page, and an integer beyond 64 bits is exact: see
        `decode_loosely`."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            with suppress(ValueError, RecursionError):
                return decode_loosely(self.body)
            is_html = self.body.lstrip()[:1] == b"<"
            received = "HTML, not" if is_html else f"{len(self.body)} bytes that end too early or are not"
            raise MalformedBody(f"{self.platform}: {self.url} answered {received} JSON: {error.msg}") from None
        if may_have_long_integer(self.body) or may_repeat_name(self.body, value):
            with suppress(ValueError, RecursionError):
                return decode_loosely(self.body)
        return value

    def json_as(self, shape: type[T], page: str = "1") -> T:
        """The decoded body in a declared shape; ContractBroken with the path of the field that differs."""
        return self.shaped(self.json(), shape, page)

    def shaped(self, value: Any, shape: type[T], page: str = "1") -> T:
        """A decoded value in a declared shape, or as near to it as its meaning allows; ContractBroken with the path of
        the field that differs."""
        with suppress(msgspec.ValidationError):
            return msgspec.convert(value, shape)
        loose = read_loosely(value, shape)
        try:
            converted = msgspec.convert(loose.value, shape)
            self.loose_readings.extend(loose.readings)
            return converted
        except msgspec.ValidationError as error:
            problem, _, path = str(error).partition(" - at ")
            raise ContractBroken(self.platform, self.url, page, path.strip("`") or "$", problem) from None
