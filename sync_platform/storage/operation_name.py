"""The names of the operations in the audit log. Stored logs have these values, so a value never changes."""

from __future__ import annotations

from enum import StrEnum


class OperationName(StrEnum):
    """The operation of an entry. `access`, `correction` and `erasure` are requests of persons about their data."""

    sync = "sync"
    unify = "unify"
    backfill = "backfill"
    accept_shrink = "accept-shrink"
    retry_quarantine = "quarantine retry"
    emergency = "emergency"
    decision = "decision"
    report = "report"
    export = "export"
    maintain = "maintain"
    verify = "verify"
    anchor = "anchor"
    backup = "backup"
    verify_backup = "backup-verify"
    replicate = "backup-replicate"
    prune = "prune"
    restore = "restore"
    drill = "drill"
    make_recovery_key = "recovery-key"
    back_up_vault = "vault-backup"
    verify_vault = "vault-verify"
    restore_vault = "vault-restore"
    acknowledge_alert = "alert-ack"
    silence_alert = "alert-silence"
    resolve_alert = "alert-resolve"
    start_job = "api-job"
    access = "access"
    correction = "correction"
    erasure = "erasure"
