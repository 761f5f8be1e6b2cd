"""Problems of storage: a lake or a ledger that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from sync_platform.documents.typed_command import named_command
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.named_subjects import shortened
from sync_platform.monitoring.problem import Problem, ProblemName


def storage_problems(state: InstallationState) -> Iterator[Problem]:
    """One problem for the lake and one for the ledger, if they could not be read in this round."""
    if isinstance(state.records, UnreadPart):
        yield Problem(
            ProblemName.lake_unusable,
            "",
            f"The lake cannot be read: {shortened(state.records.reason)}.",
            "No sync can be stored and no query answered. Freshness and quality are not known. What is landed is kept.",
            "Repair the catalog's database or the way to it (address, password, disk, network). If it is lost, restore "
            f"it from a backup: `{named_command('backup', 'list')}`",
            ("status",),
            ("lake",),
        )
    if isinstance(state.drills, UnreadPart):
        yield Problem(
            ProblemName.ledger_unusable,
            "",
            f"The ledger cannot be read: {shortened(state.drills.reason)}.",
            "No sync, backup or emergency request can begin, because none can be logged. Stored data stay as they are. "
            "Alerts are kept in the ledger, so that this one may not be stored either.",
            "Repair the ledger's database or the way to it (address, password, disk, network). If it is lost, restore "
            f"it from a backup: `{named_command('backup', 'list')}`",
            ("audit",),
            ("ledger",),
        )
