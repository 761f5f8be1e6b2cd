"""The compliance report of an installation and a span: every section's figures, and every obligation judged by them.

What belongs here: the order in which it is gathered. All that is read of the lake is read at one snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from sync_platform import __version__
from sync_platform.compliance.activity import Activities, activities_of, judge_sourced
from sync_platform.compliance.acts import acts_of
from sync_platform.compliance.holdings import judge_cache, judge_declared, judge_stored
from sync_platform.compliance.obligation import Obligation, Rate
from sync_platform.compliance.operations import Operations, judge_ended, operations_of
from sync_platform.compliance.personal import PersonalData, judge_sealed, personal_datasets
from sync_platform.compliance.proof import Proof, judge_proof, proof_of
from sync_platform.compliance.punctuality import Punctuality, judge_on_time, punctuality_of
from sync_platform.compliance.quality import (
    Grade,
    Quarantined,
    grades_of,
    judge_quality,
    judge_quarantine,
    quarantined_in,
)
from sync_platform.compliance.recovery import Recovery, judge_recovery, recovery_of
from sync_platform.compliance.requests import Request, judge_requests, requests_of
from sync_platform.compliance.retention import Retention, judge_retention, retention_of
from sync_platform.compliance.sources import Source, judge_terms, sources_of
from sync_platform.compliance.span import Span
from sync_platform.compliance.view import View
from sync_platform.landing.retention import LandedSync, landed_syncs
from sync_platform.lineage.verification import Record
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.objects import ObjectStore
from sync_platform.vault.subject_counts import count_data_subjects

Say = Callable[[str], None]


@dataclass(frozen=True)
class Installation:
    """All that is reported on: settings, what is declared, and the stores. `vault` is the vault's database."""

    settings: Settings
    platforms: Mapping[str, Platform]
    record: Record
    landing: ObjectStore
    vault: sa.Engine


@dataclass(frozen=True)
class Report:
    """The report; `obligations` in the order of `duties`."""

    environment: str
    version: str
    span: Span
    made_at: datetime
    obligations: list[Obligation]
    sources: list[Source]
    activities: Activities
    punctuality: list[Punctuality]
    grades: list[Grade]
    quarantine: list[Quarantined]
    personal: PersonalData
    requests: list[Request]
    retention: Retention
    proof: Proof
    recovery: Recovery
    operations: Operations

    @property
    def rate(self) -> Rate:
        return Rate.of(self.obligations)


def make_report(
    of: Installation, span: Span, now: datetime, *, hash_landing: bool = False, say: Say = lambda step: None
) -> Report:
    """Read, verify and judge everything; nothing is changed. StorageError where a store cannot be read."""
    say("landing")
    landed = landed_syncs(of.landing)
    with of.record.lake.pinned() as lake, lake.session() as session:
        view = View(session, of.record.history, span, now)
        figures = _gather(of, view, landed, hash_landing, say)
        return replace(figures, obligations=list(_judge(of, view, landed, figures)))


def _gather(of: Installation, view: View, landed: list[LandedSync], hash_landing: bool, say: Say) -> Report:
    """Every section's figures; nothing is judged yet."""
    span, backups = view.span, of.record.anchors
    say("the audit log")
    entries = list(of.record.audit_log.entries())
    acts = acts_of(entries)
    say("sources, syncs, changes, personal fields and what is held")
    sources = sources_of(view, of.platforms, of.landing)
    return Report(
        environment=of.settings.environment,
        version=__version__,
        span=span,
        made_at=view.now,
        obligations=[],
        sources=sources,
        activities=activities_of(view, of.platforms),
        punctuality=punctuality_of(view, of.platforms, sources),
        grades=grades_of(view),
        quarantine=quarantined_in(view),
        personal=PersonalData(
            personal_datasets(view, of.platforms), count_data_subjects(of.vault, span.first, span.last)
        ),
        requests=requests_of(acts, span),
        retention=retention_of(view, of.settings, of.platforms, of.landing, landed, backups, acts),
        proof=proof_of(of.record, view, entries, of.landing if hash_landing else None, say),
        recovery=recovery_of(acts, span),
        operations=operations_of(acts, span, view.now),
    )


def _judge(of: Installation, view: View, landed: list[LandedSync], figures: Report) -> Iterator[Obligation]:
    """Every obligation, in the order of `duties`."""
    yield judge_terms(figures.sources)
    yield judge_cache(view, figures.sources, landed)
    yield judge_stored(view, figures.sources, of.platforms)
    yield judge_declared(view, of.platforms)
    yield judge_sealed(figures.personal.datasets)
    yield from judge_retention(figures.retention)
    yield judge_sourced(figures.activities.sourcing)
    yield from judge_proof(figures.proof, view.span, view.now)
    yield judge_ended(figures.operations)
    yield judge_on_time(figures.punctuality)
    yield judge_quality(figures.grades)
    yield judge_quarantine(view, figures.quarantine)
    yield from judge_requests(figures.requests, view.now)
    yield from judge_recovery(figures.recovery)
