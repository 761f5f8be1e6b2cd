"""The templates of the pages, with the functions that write moments, values and pictures."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from sync_platform.api.sync_answer import SyncAnswer
from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import named_command
from sync_platform.documents.wording import value_text
from sync_platform.server.pages import drawings


@cache
def templates() -> Environment:
    """The environment; every value is escaped."""
    environment = Environment(
        loader=PackageLoader("sync_platform.server.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"minute": local_minute, "value": value_text}
    environment.globals |= {
        "named_command": named_command,
        "changes_of": _changes_of,
        "score_ring": drawings.score_ring,
        "trend_line": drawings.trend_line,
        "age_bar": drawings.age_bar,
        "district_map": drawings.district_map,
    }
    return environment


def _changes_of(sync: SyncAnswer) -> int:
    """How many records a sync changed."""
    return sum(each.new + each.updated + each.removed + each.past + each.restored for each in sync.datasets)
