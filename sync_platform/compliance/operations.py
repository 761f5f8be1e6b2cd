"""Who did what in the span: operations by door and outcome, emergencies, accepted shrinks, and what was killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_platform.compliance import duties
from sync_platform.compliance.acts import Act, begun_in
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.span import Span, told

MOST_TOLD = 10
UNDER_WAY, KILLED, ELSEWHERE, NOTED = "under way", "no end on record", "begun; its run tells the end", "noted"


@dataclass(frozen=True)
class Count:
    """How often an operation came through a door with an outcome."""

    operation: str
    via: str
    outcome: str
    times: int


@dataclass(frozen=True)
class Operations:
    """The acts that began in the span: counted, and those that an auditor looks at one by one."""

    counts: list[Count]
    emergencies: list[Act]
    shrinks: list[Act]
    killed: list[Act]

    @property
    def total(self) -> int:
        return sum(each.times for each in self.counts)


def operations_of(acts: Sequence[Act], span: Span, now: datetime) -> Operations:
    """Everything that began in the span."""
    mine = list(begun_in(acts, span))
    counted = Counter((act.operation, act.via, _outcome(act, now)) for act in mine)
    return Operations(
        [Count(*key, times) for key, times in sorted(counted.items())],
        list(begun_in(mine, span, "emergency")),
        list(begun_in(mine, span, "accept-shrink")),
        [act for act in mine if act.is_killed(now)],
    )


def judge_ended(found: Operations) -> Obligation:
    expected = sum(each.times for each in found.counts if each.outcome not in (UNDER_WAY, ELSEWHERE, NOTED))
    if not expected:
        return duties.ENDED.unchecked("no operation that has an end of its own began in the span")
    if found.killed:
        named = [f"{act.operation} (entry {act.number}, {told(act.began_at)})" for act in found.killed[:MOST_TOLD]]
        words = f"{len(found.killed):,} of {expected:,} operations have no end on record: {', '.join(named)}"
        return duties.ENDED.judged(False, words)
    return duties.ENDED.judged(True, f"{expected:,} of {expected:,} operations have their end on record")


def _outcome(act: Act, now: datetime) -> str:
    if act.outcome is not None:
        return act.outcome
    if act.is_word:
        return NOTED
    if act.ends_elsewhere:
        return ELSEWHERE
    return KILLED if act.is_killed(now) else UNDER_WAY
