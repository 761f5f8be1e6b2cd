"""The personal fields of a record and the person they belong to. Sealing, access and erasure use this declaration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Personal:
    """The personal fields of a dataset's records.

    `fields` and `subject` are dotted paths into the record (`author.name`). The first filled path of `subject` names
    the data subject. Where no path is filled, the record is its own data subject, so that it can still be erased.
    """

    fields: tuple[str, ...]
    subject: tuple[str, ...]
