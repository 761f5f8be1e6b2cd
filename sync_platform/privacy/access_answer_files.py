"""The files of answers to access requests that this program wrote, as the audit log names them.

What belongs here: what is on record of a file, and its deletion. What an answer says belongs in the modules of access.
A file is deleted only if it is the one that was written: same place, same SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from sync_platform.storage.audit_log import AuditEntry


def record_of(file: Path) -> dict[str, str]:
    """What the audit log says of an answer in a file: where it is, and its SHA-256 (hex)."""
    return {"file": str(file.absolute()), "sha256": _digest(file)}


def old_answers(entries: Iterable[AuditEntry], before: datetime) -> list[Path]:
    """The files that were written before that time and are still there. `entries`: those of access in the audit log."""
    files = []
    for entry in entries:
        written = entry.details
        if entry.at < before and entry.outcome == "complete" and written.get("file"):
            file = Path(written["file"])
            if file.is_file() and _digest(file) == written.get("sha256"):
                files.append(file)
    return files


def delete_answers(files: Sequence[Path]) -> dict[str, int]:
    """Delete these answers; how many files, and how many bytes."""
    size = 0
    for file in files:
        size += file.stat().st_size
        file.unlink()
    return {"files": len(files), "bytes": size}


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
