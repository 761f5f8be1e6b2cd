"""What runs, the API's jobs and an operator in their pods do in AWS. Each function raises where AWS refuses a part."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sync_platform.defs.backups import backups_of
from sync_platform.defs.retention_steps import RetainedInstallation, RetentionStep
from sync_platform.platforms import load_platforms
from sync_platform.privacy.retention_rule import RuleName
from sync_platform.settings import Settings
from sync_platform.vault.vault_address import VaultAddress
from sync_platform_tests.infrastructure.pod import Failed, Pod

DAYS = 30
"""How long landed pages and backups are kept here; nothing is deleted under a clock that is 60 days ahead."""


def sync(pod: Pod) -> None:
    pod.run("sync", "--no-unify", "chope")


def read_lake(pod: Pod) -> None:
    pod.run("query", "SELECT count(*) FROM chope.restaurants")


def list_landed_pages(pod: Pod) -> None:
    """What a dry run of retention does."""
    _is_due(pod, RuleName.landing, DAYS + 1)


def delete_landed_pages(pod: Pod) -> None:
    """What retention deletes in some weeks. It keeps the newest sync, so there are two of them."""
    if not _is_due(pod, RuleName.landing, DAYS + 1):
        sync(pod)
    with pod.settings() as settings:
        _step(settings, RuleName.landing, DAYS + 1).delete()


def back_up(pod: Pod) -> None:
    pod.run("backup", "create", "--type", "full")


def verify_backup(pod: Pod) -> None:
    pod.run("backup", "verify")


def delete_backups(pod: Pod) -> None:
    """What retention marks in some weeks, and deletes two days later. It keeps the newest backup, so there are two."""
    if not _is_due(pod, RuleName.backups, DAYS + 1):
        back_up(pod)
    for days in (DAYS + 1, DAYS + 3):
        with pod.settings() as settings:
            done = backups_of(_keeping(settings)).prune(now=datetime.now(UTC) + timedelta(days=days))
        if done.refused:
            raise Failed(str(done.refused))


def back_up_vault(pod: Pod) -> None:
    """The backup before is read, and deleted when the new one is there."""
    pod.run("vault", "backup")


def make_vault(pod: Pod) -> None:
    """A new vault gets its master key of KMS."""
    with pod.settings() as settings:
        new = settings.model_copy(update={"vault": f"sqlite:///{pod.home}/{uuid.uuid4()}.sqlite"})
        VaultAddress.of(new).open()


def open_vault(pod: Pod) -> None:
    with pod.settings() as settings:
        VaultAddress.of(settings).open()


def rotate_master_key(pod: Pod) -> None:
    pod.run("vault", "rotate")


def _is_due(pod: Pod, rule: RuleName, days: int) -> bool:
    with pod.settings() as settings:
        return any(_step(settings, rule, days).due().values())


def _step(settings: Settings, rule: RuleName, days: int) -> RetentionStep:
    now = datetime.now(UTC) + timedelta(days=days)
    steps = RetainedInstallation(_keeping(settings), load_platforms(), None).steps(now)
    return next(each for each in steps if each.rule.name == rule)


def _keeping(settings: Settings) -> Settings:
    return settings.model_copy(update={"landing_retention_days": DAYS, "backup_retention_days": DAYS})


OPERATIONS: Mapping[str, Any] = {
    "s3:ListBucket data": list_landed_pages,
    "s3:ListBucket backup": verify_backup,
    "s3:ListBucket vault-backup": back_up_vault,
    "s3:GetObject data/*": read_lake,
    "s3:GetObject backup/*": verify_backup,
    "s3:GetObject vault-backup/*": back_up_vault,
    "s3:PutObject data/*": sync,
    "s3:PutObject backup/*": back_up,
    "s3:PutObject vault-backup/*": back_up_vault,
    "s3:DeleteObject data/*": delete_landed_pages,
    "s3:DeleteObject backup/*": delete_backups,
    "s3:DeleteObject vault-backup/*": back_up_vault,
    "kms:GenerateDataKey vault": make_vault,
    "kms:Decrypt vault": open_vault,
    "kms:Encrypt vault": rotate_master_key,
}
"""Each action on its resource, and the operation that fails without it."""
