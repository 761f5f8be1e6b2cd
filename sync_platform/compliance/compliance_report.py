"""The compliance report of an installation and a span: the figures of every section, and every obligation judged.

What belongs here: the order in which figures are gathered. Everything in the lake is read at one snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from sync_platform import __version__
from sync_platform.compliance.activity import Activities, activities_of, judge_sourced
from sync_platform.compliance.applied_retention import AppliedRetention, judge_retention, retention_of
from sync_platform.compliance.chains import ChainVerification, judge_chains, verify_chains
from sync_platform.compliance.data_quality import (
    OpenQuarantine,
    judge_quality,
    judge_quarantine,
    open_quarantine,
)
from sync_platform.compliance.erasures_of_span import ReportedErasure, erasures_of
from sync_platform.compliance.lake_view import LakeView
from sync_platform.compliance.logged_operations import logged_operations
from sync_platform.compliance.obligation import ComplianceRate, Obligation
from sync_platform.compliance.operations import Operations, judge_ended, operations_of
from sync_platform.compliance.personal_data import PersonalData, judge_registered, judge_sealed, personal_datasets
from sync_platform.compliance.recovery import Recovery, judge_recovery, recovery_of
from sync_platform.compliance.source_terms import SourceTerms, judge_terms, source_terms_of
from sync_platform.compliance.span import Span
from sync_platform.compliance.stored_data import judge_cache, judge_declared, judge_stored
from sync_platform.compliance.subject_requests import RequestsOfSpan, judge_requests, requests_of
from sync_platform.compliance.timeliness import Timeliness, judge_on_time, timeliness_of
from sync_platform.compliance.verdict import Verdict, verdict_of
from sync_platform.landing.retention import LandedSync, landed_syncs
from sync_platform.lineage.verification import AuditedInstallation
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.quality.scorecard import StoredScore, newest_scores
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_step import OnStep, ignore_step
from sync_platform.vault.subject_counts import count_data_subjects


@dataclass(frozen=True)
class ReportedInstallation:
    """The subject of the report: settings, declared platforms, and stores. `vault` is the vault's database.

    `prepared_by`: who makes the report.
    """

    settings: Settings
    platforms: Mapping[str, Platform]
    audited: AuditedInstallation
    landing: ObjectStore
    vault: sa.Engine
    prepared_by: str


@dataclass(frozen=True)
class ComplianceReport:
    """The report. `obligations` are in the order of `requirements`."""

    environment: str
    organisation: str
    contact: str
    prepared_by: str
    version: str
    span: Span
    made_at: datetime
    obligations: list[Obligation]
    sources: list[SourceTerms]
    activities: Activities
    timeliness: list[Timeliness]
    scores: list[StoredScore]
    quarantine: list[OpenQuarantine]
    personal: PersonalData
    requests: RequestsOfSpan
    erasures: list[ReportedErasure]
    retention: AppliedRetention
    chains: ChainVerification
    recovery: Recovery
    operations: Operations

    @property
    def rate(self) -> ComplianceRate:
        return ComplianceRate.of(self.obligations)

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.obligations)

    @property
    def invented(self) -> list[str]:
        """The platforms whose data is invented, because it comes from the sandbox or from this machine."""
        return [terms.platform for terms in self.sources if not terms.is_live]


def make_report(
    installation: ReportedInstallation,
    span: Span,
    now: datetime,
    *,
    hash_landing: bool = False,
    on_step: OnStep = ignore_step,
) -> ComplianceReport:
    """Read, verify and judge everything; nothing is changed. StorageError where a store cannot be read.

    `on_step` is called with the name of each step.
    """
    on_step("landing")
    landed = landed_syncs(installation.landing)
    with installation.audited.lake.pinned() as lake, lake.session() as session:
        view = LakeView(session, installation.audited.history, span, now)
        figures = _gather(installation, view, landed, hash_landing, on_step)
        return replace(figures, obligations=list(_judge(installation, view, landed, figures)))


def _gather(
    installation: ReportedInstallation, view: LakeView, landed: list[LandedSync], hash_landing: bool, on_step: OnStep
) -> ComplianceReport:
    """The figures of every section; nothing is judged yet."""
    span, backups = view.span, installation.audited.anchors
    on_step("the audit log")
    entries = list(installation.audited.audit_log.entries())
    operations = logged_operations(entries)
    on_step("sources, syncs, changes and personal fields")
    sources = source_terms_of(view, installation.platforms, installation.landing)
    return ComplianceReport(
        environment=installation.settings.environment,
        organisation=installation.settings.organisation,
        contact=installation.settings.contact,
        prepared_by=installation.prepared_by,
        version=__version__,
        span=span,
        made_at=view.now,
        obligations=[],
        sources=sources,
        activities=activities_of(view, installation.platforms),
        timeliness=timeliness_of(view, installation.platforms, sources),
        scores=newest_scores(view.session, committed=(span.first, span.last)),
        quarantine=open_quarantine(view),
        personal=PersonalData(
            personal_datasets(view, installation.platforms),
            count_data_subjects(installation.vault, span.first, span.last),
        ),
        requests=_requests(installation, view),
        erasures=_erasures(installation, view),
        retention=retention_of(
            view, installation.settings, installation.platforms, installation.landing, landed, backups, operations
        ),
        chains=verify_chains(
            installation.audited, view, entries, installation.landing if hash_landing else None, on_step
        ),
        recovery=recovery_of(operations, span),
        operations=operations_of(operations, span, view.now),
    )


def _requests(installation: ReportedInstallation, view: LakeView) -> RequestsOfSpan:
    register = RequestRegister(installation.settings.ledger_url)
    try:
        return requests_of(register, view.span, view.now)
    finally:
        register.dispose()


def _erasures(installation: ReportedInstallation, view: LakeView) -> list[ReportedErasure]:
    with closing(ErasureLedger(installation.settings.ledger_url)) as ledger:
        return erasures_of(ledger, view.span)


def _judge(
    installation: ReportedInstallation, view: LakeView, landed: list[LandedSync], figures: ComplianceReport
) -> Iterator[Obligation]:
    """Every obligation, in the order of `requirements`."""
    yield judge_terms(figures.sources)
    yield judge_cache(view, figures.sources, landed)
    yield judge_stored(view, figures.sources, installation.platforms)
    yield judge_declared(view, installation.platforms)
    yield judge_registered(figures.personal.datasets)
    yield judge_sealed(figures.personal.datasets)
    yield from judge_retention(figures.retention)
    yield judge_sourced(figures.activities.sourcing)
    yield from judge_chains(figures.chains, view.span, view.now)
    yield judge_ended(figures.operations)
    yield judge_on_time(figures.timeliness)
    yield judge_quality(figures.scores)
    yield judge_quarantine(view, figures.quarantine)
    yield from judge_requests(figures.requests, view.now)
    yield from judge_recovery(figures.recovery)
