"""Which fields of a record are personal, and whose: the declaration that sealing, access and erasure all follow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Personal:
    """The personal fields of a dataset's records.

    `fields` and `subject` are dotted paths into the record (`author.name`). The first filled path of `subject` names
    the data subject; a record with none filled is its own subject, so that it can still be forgotten.
    """

    fields: tuple[str, ...]
    subject: tuple[str, ...]
