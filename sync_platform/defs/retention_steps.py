"""The steps of retention: for each rule, what is due now, and its deletion.

What belongs here: which part of the installation each rule is about. A step that fails stops no other step. Steps that
change lake or landing hold the lease on the stored data, like maintenance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import dagster as dg

from sync_platform.defs.backups import Backups, backups_of
from sync_platform.defs.dagster_retention import delete_due_runs, due_runs
from sync_platform.defs.dagster_storage import DagsterStorage
from sync_platform.defs.resources import lake_of, landing_store_of
from sync_platform.errors import StorageError
from sync_platform.lake.transaction import guarded
from sync_platform.landing.retention import delete_expired, find_expired, limits_of
from sync_platform.lineage.retention import close_lineage, due_closings
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.metric_history import MetricHistory
from sync_platform.privacy.access_answer_files import delete_answers, old_answers
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.privacy.retention_rule import RULE, RULES, RetentionRule, RuleName
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.lease import Lease, Leases
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import database_exists

Figures = dict[str, int]
"""How much there is of each kind of thing."""
CountedAction = Callable[[], Figures]
"""Counts or deletes what is due, and returns how much that is."""


@dataclass(frozen=True)
class RetentionStep:
    """One rule at one time. `due` counts and changes nothing. `delete` deletes, and returns how much it deleted."""

    rule: RetentionRule
    before: datetime
    due: CountedAction
    delete: CountedAction


@dataclass(frozen=True)
class RetainedInstallation:
    """What retention is applied to. `instance`: Dagster's records; None where Dagster was never used.

    `run_id`: the run that folds changes, as the history names it.
    """

    settings: Settings
    platforms: Mapping[str, Platform]
    instance: dg.DagsterInstance | None
    run_id: str = ""

    def steps(self, now: datetime) -> list[RetentionStep]:
        """A step for each rule, in the order of the table."""
        acts = {
            RuleName.sync_logs: self._sync_logs,
            RuleName.lineage: self._lineage,
            RuleName.backups: self._backups,
            RuleName.metrics: self._metrics,
            RuleName.alerts: self._alerts,
            RuleName.landing: self._landing,
            RuleName.privacy_requests: self._privacy_requests,
            RuleName.access_answers: self._access_answers,
        }
        befores = {rule.name: rule.before(self.settings, now) for rule in RULES}
        return [RetentionStep(RULE[name], befores[name], *make(befores[name], now)) for name, make in acts.items()]

    def _sync_logs(self, before: datetime, _: datetime) -> tuple[CountedAction, CountedAction]:
        def due() -> Figures:
            return due_runs(DagsterStorage(self.instance), before).figures() if self.instance else {}

        def delete() -> Figures:
            return delete_due_runs(DagsterStorage(self.instance), before) if self.instance else {}

        return due, delete

    def _lineage(self, before: datetime, _: datetime) -> tuple[CountedAction, CountedAction]:
        lake = lake_of(self.settings)

        def due() -> Figures:
            if not lake.address.exists:
                return {}
            with Lake(lake.address, read_only=True) as opened, opened.session() as session:
                return {"changes": sum(each.changes for each in due_closings(session, before))}

        def delete() -> Figures:
            if not any(due().values()):
                return {}
            with Lake(lake.address) as opened, self._lease() as lease, lake.file_proof(opened) as files:
                files.record_new()
                files.require_intact()  # a folding would write damaged values into new files
                with guarded(opened, lease.require):
                    folded = close_lineage(opened, lake.history, before, self.run_id)
                files.record_new()
            return {"changes": sum(dataset.changes_before - dataset.changes_after for dataset in folded)}

        return due, delete

    def _landing(self, before: datetime, now: datetime) -> tuple[CountedAction, CountedAction]:
        store = landing_store_of(self.settings)
        limits = limits_of(self.platforms, self.settings.landing_retention_days)

        def due() -> Figures:
            expired = find_expired(store.open(), limits, now)
            return {"syncs": len(expired), "bytes": sum(expired_sync.sync.size_bytes for expired_sync in expired)}

        def delete() -> Figures:
            if not any(due().values()):
                return {}
            with self._lease() as lease:
                expired = find_expired(store.open(), limits, now)
                delete_expired(store.open(), expired, now, lease.require)
            return {"syncs": len(expired), "bytes": sum(expired_sync.sync.size_bytes for expired_sync in expired)}

        return due, delete

    def _backups(self, _: datetime, now: datetime) -> tuple[CountedAction, CountedAction]:
        backups = backups_of(self.settings)

        def due() -> Figures:
            if backups.repository_or_none() is None:
                return {}
            plans = [backups.plan_prune(now=now), backups.plan_prune_replica(now=now)]
            return {"backups": sum(len(plan.expired) for plan in plans if plan)}

        return due, lambda: _prune(backups, now)

    def _metrics(self, before: datetime, _: datetime) -> tuple[CountedAction, CountedAction]:
        return (
            lambda: self._in_history(lambda history: history.count_older(before)),
            lambda: self._in_history(lambda history: history.delete_older(before)),
        )

    def _in_history(self, act: Callable[[MetricHistory], Figures]) -> Figures:
        if not database_exists(self.settings.ledger_url):
            return {}
        with closing(MetricHistory(self.settings.ledger_url)) as history:
            return act(history)

    def _alerts(self, before: datetime, _: datetime) -> tuple[CountedAction, CountedAction]:
        store = AlertStore(self.settings.ledger_url, [])
        exists = database_exists(self.settings.ledger_url)
        return (
            lambda: store.count_resolved(before) if exists else {},
            lambda: store.delete_resolved(before) if exists else {},
        )

    def _privacy_requests(self, before: datetime, _: datetime) -> tuple[CountedAction, CountedAction]:
        def of_register(act: Callable[[RequestRegister], int]) -> Figures:
            if not database_exists(self.settings.ledger_url):
                return {}
            register = RequestRegister(self.settings.ledger_url)
            try:
                return {"requests": act(register)}
            finally:
                register.dispose()

        return (
            lambda: of_register(lambda register: len(register.closed_before(before))),
            lambda: of_register(lambda register: register.delete_closed(before)),
        )

    def _access_answers(self, before: datetime, _: datetime) -> tuple[CountedAction, CountedAction]:
        def old() -> list[Path]:
            if not database_exists(self.settings.ledger_url):
                return []
            with closing(AuditLog(self.settings.ledger_url)) as log:
                return old_answers(log.entries(operation=OperationName.access), before)

        return lambda: {"files": len(old())}, lambda: delete_answers(old())

    def _lease(self) -> AbstractContextManager[Lease]:
        return Leases(self.settings.ledger_url).hold("retention")


def _prune(backups: Backups, now: datetime) -> Figures:
    """Mark and delete backups, in the replica too. StorageError where the clock may have jumped, or a store refuses."""
    if backups.repository_or_none() is None:
        return {}
    reports = [each for each in (backups.prune(now=now), backups.prune_replica(now=now)) if each]
    for report in reports:
        if report.plan.stopped:
            raise StorageError(report.plan.stopped)
    if refused := [key for report in reports for key in report.refused]:
        raise StorageError(f"{len(refused)} objects of expired backups cannot be deleted, the first is {refused[0]}")
    return {
        "backups": sum(len(each.removed_backups) for each in reports),
        "objects": sum(each.deleted_objects for each in reports),
    }
