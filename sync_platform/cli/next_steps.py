"""The commands that help after a failure, as they are typed here.

What belongs here: which command helps after which kind of failure. Every hint that a command prints is made here.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from sync_platform.lake.syncs import Status, SyncRecord
from sync_platform.sources.period import current_period

PROGRAM = "sync-platform"
WHY = "why they are really gone"
"""What a person replaces by a reason."""


def typed(*words: str) -> str:
    """A command of this program as a line for a shell: with the path of the program, unless PATH has it."""
    return f"{_program()} {shlex.join(words)}".rstrip()


def steps_after(platform: str, partition: str, status: Status, records: Iterable[SyncRecord]) -> list[str]:
    """The commands that help after the sync of a period, the first one first; none if it is complete."""
    return [] if status == "complete" else list(_steps(platform, partition, list(records)))


def _steps(platform: str, partition: str, records: list[SyncRecord]) -> Iterator[str]:
    is_current = partition in (current_period("monthly").key, current_period("weekly").key)
    again = ("sync", platform, *(() if is_current else ("--partition", partition)))
    explained = [record for record in records if record.quarantined or record.shrink_rejected]
    for record in records:
        if record.quarantined and record.dataset:
            yield typed("quarantine", "list", platform, record.dataset)
    if any(record.shrink_rejected for record in records):
        yield f'{typed(*again)} --accept-shrink "{WHY}"'
    if not explained or any(record.status != "complete" for record in records if record not in explained):
        yield typed(*again)


def _program() -> str:
    """The program as it was called; its name alone where PATH has the same file, or where it was called as a module."""
    called = Path(sys.argv[0])
    found = shutil.which(PROGRAM)
    is_on_path = found is not None and Path(found).resolve() == called.resolve()
    return PROGRAM if called.name != PROGRAM or is_on_path else shlex.quote(str(called))
