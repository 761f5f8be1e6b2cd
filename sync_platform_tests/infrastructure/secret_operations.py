"""What a server does that keeps its master key in Secrets Manager. Each function raises where AWS refuses a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.stored_secret import StoredSecret
from sync_platform_tests.infrastructure.emulated_account import MASTER_SECRET
from sync_platform_tests.infrastructure.pod import Pod


def make_key(pod: Pod) -> None:
    """The first key; where there is one already, it stays."""
    _secret(pod).create()


def rotate_key(pod: Pod) -> None:
    secret, key = _secret(pod), MasterKey.new()
    secret.create()
    secret.propose(key)
    secret.accept()
    assert secret.present() == key


def _secret(pod: Pod) -> StoredSecret:
    return StoredSecret(pod.role.client("secretsmanager"), MASTER_SECRET)


OPERATIONS: Mapping[str, Any] = {
    "secretsmanager:GetSecretValue master": make_key,
    "secretsmanager:PutSecretValue master": rotate_key,
    "secretsmanager:CreateSecret master": make_key,
    "secretsmanager:DescribeSecret master": rotate_key,
    "secretsmanager:UpdateSecretVersionStage master": rotate_key,
}
"""Each action on its resource, and the operation that fails without it."""
