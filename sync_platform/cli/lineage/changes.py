"""`sync-platform changes`: what changed between two syncs or two moments."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import write_document
from sync_platform.documents.typed_command import typed
from sync_platform.errors import NoLakeYet
from sync_platform.lake.schema import schemas_present
from sync_platform.lineage.change_difference import LakeDifference
from sync_platform.lineage.change_document import change_document
from sync_platform.lineage.change_json import write_changes
from sync_platform.lineage.change_span import scope_between
from sync_platform.lineage.moment import require_begun
from sync_platform.platforms import choose, load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.unified.tables import COMPUTED_SCHEMAS

MAX_SHOWN = 100
"""Changes that people see where no limit is given."""


def show_changes(platform: str | None, since: str, until: str | None, limit: int | None, form: str) -> int:
    """Write what changed, as text, as JSON or as one HTML page; 0. UsageError for a wrong span or platform."""
    settings, now = load_settings(), datetime.now(UTC)
    if platform not in (None, *COMPUTED_SCHEMAS):
        choose(load_platforms(settings.platform_path), [platform])
    history = settings.lineage_table_name
    with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.pinned() as then, then.session() as session:
        if history.split(".")[0] not in schemas_present(session):
            raise NoLakeYet(f"{lake.address} has no history yet: run `{typed('sync')}` first")
        scope = scope_between(session, since, until, platform)
        if scope.first:
            require_begun(scope.first, since, "--since", now)
        if form == "json":
            write_changes(LakeDifference(session, history, scope, limit), sys.stdout, now)
        else:
            document = change_document(LakeDifference(session, history, scope, limit or MAX_SHOWN), now)
            write_document(document, form, sys.stdout)
    return OK
