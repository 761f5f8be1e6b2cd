"""Problems of compliance: obligations that are not met.

What belongs here: the sentences. Which obligations are judged in a round is in `watched_obligations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from sync_platform.compliance import requirements
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.span import day_text
from sync_platform.documents.typed_command import named_command
from sync_platform.monitoring.named_subjects import shortened
from sync_platform.monitoring.problem import Problem, ProblemName

_EFFECT_AND_ACTION: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    requirements.QUARANTINE.id: (
        "These records are not stored, and nobody decided about them. Their last good versions stay live, as stale.",
        "Read what is wrong with them, correct the platform's file, and take them in: `{retry}`.",
        ("quarantine", "list"),
    ),
    requirements.TIME_TRAVEL.id: (
        "Former states of the lake, also of removed records, are kept longer than the setting TIME_TRAVEL_DAYS says.",
        "Run maintenance, and see why it did not run: `{maintain}`.",
        ("maintain", "--dry-run"),
    ),
}
SPAN_DAYS = 31
"""The report that is named judges the last month."""


def obligation_problems(obligations: Iterable[Obligation], now: datetime) -> Iterator[Problem]:
    """One problem for each obligation that is not met."""
    first = day_text(now - timedelta(days=SPAN_DAYS))
    report = named_command("report", "compliance", "--from", first, "--to", day_text(now))
    for obligation in obligations:
        if obligation.state != "not met":
            continue
        effect, action, command = _EFFECT_AND_ACTION[obligation.id]
        steps = action.format(retry=named_command("quarantine", "retry"), maintain=named_command("maintain"))
        yield Problem(
            ProblemName.obligation_not_met,
            obligation.id,
            f"{obligation.requirement}: not met ({obligation.basis}). {shortened(obligation.evidence)}.",
            effect,
            f"{steps} The report judges all obligations: `{report}`",
            command,
            (obligation.id,),
        )
