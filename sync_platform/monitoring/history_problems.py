"""The problem that the history is not intact: the newest verification on record found breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import named_command
from sync_platform.documents.wording import counted
from sync_platform.lineage.findings import BREAKS, FIRST_BREAKS, last_verification
from sync_platform.monitoring.named_subjects import shortened
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.storage.audit_log import AuditEntry


def history_problems(entries: Sequence[AuditEntry]) -> Iterator[Problem]:
    """`entries`: those of verifications. One that could not read everything found nothing, and does not count."""
    last = last_verification(entries)
    subject = last.details if last else {}
    if last is None or not subject[BREAKS]:
        return
    count = counted(subject[BREAKS], "break")
    first = "; ".join(map(str, subject.get(FIRST_BREAKS, [])))
    yield Problem(
        ProblemName.history_not_intact,
        "",
        f"The verification of {local_minute(last.at)} found {count}: {shortened(first)}.",
        "Data or their history were changed, damaged or deleted outside this program. What the breaks name is not "
        "proven any more, and no new anchor is made.",
        f"See every break: `{named_command('lineage', 'verify')}`. Keep lake, ledger and anchors as they are until it "
        f"is known what happened; then restore from a backup of before: `{named_command('backup', 'list')}`",
        ("lineage", "verify"),
        ("history",),
    )
