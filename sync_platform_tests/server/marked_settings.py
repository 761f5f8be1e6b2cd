"""Settings in which every text that may hold a secret has a mark, which is found again wherever it gets to.

The settings are read from their classes: a new one is marked too. One that takes no text of this form, or that can hold
no secret, is named here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic.fields import FieldInfo

from sync_platform.platforms import load_platforms
from sync_platform.setting_groups.address_types import HttpAddress, SecretAddress, StoreUrl
from sync_platform.settings import SECRET_NAMES, PlatformSettings, Settings
from sync_platform_tests.services import PostgresServer

NO_SECRET = {
    "serve_address", "serve_url", "serve_proxies", "oidc_name_claim", "sns_topic_arn", "lake_data", "vault_kms_key_id",
    "vault_secret_id", "aws_region", "s3_backup_bucket", "backup_replica_region", "s3_backup_kms_key_id",
    "organisation", "contact", "time_zone", "sync_actor", "lineage_table_name", "platform_path", "platforms_in_use",
    "sync_job", "code_server", "oidc_client_id", "app_id", "first_month",
}  # fmt: skip
"""Texts that are names, or are shown on purpose."""
ALL_OF_ADDRESSES = {*HttpAddress.__metadata__, *StoreUrl.__metadata__}  # type: ignore[attr-defined]
OF_AWS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Secrets that libraries read from the environment."""
AT_END = "/@+:%"
"""Characters of each mark that addresses encode. What is looked for stands before them."""
NOWHERE = "127.0.0.1:9"
"""Refuses connections."""


def mark_of(variable: str) -> str:
    """What is looked for: letters and digits, which no encoding of a text changes."""
    return f"Zyq{variable.replace('_', '').lower()}7xk"


def marked_settings(postgres: PostgresServer) -> dict[str, str]:
    """Every setting that may hold a secret, with its mark. The databases are new ones of this server."""
    marks = {name: mark_of(name) for name in OF_AWS}
    for name, field in Settings.model_fields.items():
        marks |= _marked(name.upper(), name, field)
    for platform in load_platforms():
        for name, field in PlatformSettings.model_fields.items():
            marks |= _marked(f"{platform}_{name}".upper(), name, field)
    for name in ("LEDGER", "VAULT"):
        marks[name] = f"postgresql://postgres:{_encoded(name)}@127.0.0.1:{postgres.port}/{postgres.create_database()}"
    marks["RUN_BROKER"] = f"redis://:{_encoded('RUN_BROKER')}@{NOWHERE}/0"
    lake = f"{postgres.conninfo(postgres.create_database())} password='{mark_of('LAKE_CATALOG')}{AT_END}'"
    return {**marks, "LAKE_CATALOG": f"postgres:{lake}"}


def _marked(variable: str, name: str, field: FieldInfo) -> dict[str, str]:
    if field.annotation is not str or name in NO_SECRET or _is(field, StoreUrl) or _is(field, HttpAddress):
        return {}
    if _is(field, SecretAddress):
        return {variable: f"http://user:{_encoded(variable)}@{NOWHERE}"}
    return {variable: mark_of(variable) + ("" if variable.endswith(SECRET_NAMES) else AT_END)}


def _is(field: FieldInfo, kind: Any) -> bool:
    return [each for each in field.metadata if each in ALL_OF_ADDRESSES] == list(kind.__metadata__)


def _encoded(variable: str) -> str:
    return quote(mark_of(variable) + AT_END, safe="")


def key_files(home: Path) -> list[str]:
    """The keys of an installation, as their files have them."""
    return [path.read_text().strip() for path in (home / "vault").glob("*.key")]


def plain_addresses() -> list[str]:
    """The settings that are addresses which are shown."""
    return [name for name, field in Settings.model_fields.items() if _is(field, HttpAddress)]
