"""Names of backups: `full-2026-11-23T02-00-00-000Z-abc123`. The order of backups is in their manifests, not here."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from typing import Literal

from sync_platform.errors import UsageError

BackupKind = Literal["full", "incremental"]
FORM = re.compile(r"(full|incremental)-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-\d{3}Z-[0-9a-f]{6}")


def new_backup_id(kind: BackupKind, created_at: datetime) -> str:
    """A new name; the six random digits keep two backups of one millisecond apart."""
    moment = created_at.astimezone(UTC)
    return f"{kind}-{moment:%Y-%m-%dT%H-%M-%S}-{moment.microsecond // 1000:03d}Z-{secrets.token_hex(3)}"


def is_backup_id(text: str) -> bool:
    return FORM.fullmatch(text) is not None


def require_backup_id(text: str) -> str:
    """The text; UsageError where it is not the name of a backup."""
    if not is_backup_id(text):
        raise UsageError(f"{text!r} is not the id of a backup such as full-2026-11-23T02-00-00-000Z-abc123")
    return text


def created_at_of(backup_id: str) -> datetime:
    """The time in the name of a backup, to the millisecond."""
    moment = require_backup_id(backup_id).split("-", 1)[1].rpartition("-")[0]
    return datetime.strptime(moment, "%Y-%m-%dT%H-%M-%S-%fZ").replace(tzinfo=UTC)
