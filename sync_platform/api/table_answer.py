"""The tables that can be read as a whole, as the API answers them."""

from __future__ import annotations

from sync_platform.api.envelope import ApiModel


class TableAnswer(ApiModel):
    """A table that can be read as a whole. The names of columns are those of the lake (docs/datasets.md)."""

    table: str
    columns: list[str]


class TableList(ApiModel):
    """The tables that can be read as a whole."""

    items: list[TableAnswer]
