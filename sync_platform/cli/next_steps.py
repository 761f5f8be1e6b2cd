"""The commands that help after a failure, as they are typed here.

What belongs here: which command helps after which kind of failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sync_platform.cli.output import console, line, styled
from sync_platform.documents.typed_command import typed
from sync_platform.lake.syncs import Status, SyncRecord
from sync_platform.sources.period import current_period

WHY = "why they are really gone"
"""What a person replaces by a reason."""
MAX_STEPS = 5


def write_next_steps(steps: list[str]) -> None:
    """The commands to give next, one in each line."""
    terminal = console()
    for number, step in enumerate(steps[:MAX_STEPS]):
        terminal.print(line("Next: " if number == 0 else "      ", styled(step, "bold")), soft_wrap=True)


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
