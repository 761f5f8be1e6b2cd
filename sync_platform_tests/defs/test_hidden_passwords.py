"""Passwords of databases are in nothing that Dagster shows, and runs still have them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from sync_platform.definitions import build
from sync_platform.defs.backups import Backups
from sync_platform.defs.hidden_passwords import PREFIX
from sync_platform.defs.lineage import Auditor
from sync_platform.defs.progress import NoProgress
from sync_platform.defs.resources import LakeResource, VaultResource
from sync_platform.settings import Settings, load_settings

MARKER = "Hunter2-marker"
SECRETS = {
    "LEDGER": f"postgresql://sync:{MARKER}@db.example/ledger",
    "VAULT": f"postgresql+psycopg://sync:{MARKER}@db.example/vault",
    "LAKE_CATALOG": f"postgres:host=db.example dbname=lake user=sync password={MARKER}",
    "OPENRICE_API_KEY": MARKER,
    "KEETA_APP_SECRET": MARKER,
    "KEETA_REFRESH_TOKEN": MARKER,
}
QUERY = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
  allTopLevelResourceDetails { name description configFields { defaultValueAsJson }
    configuredValues { key value type } }
  jobs { name modes { resources { name configField { defaultValueAsJson } } } }
  sensors { name description } schedules { name description } assetNodes { description metadataEntries { label } }
} } } }"""


@pytest.fixture
def secret_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in {**SECRETS, "SYNC_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def resources_of(settings: Settings) -> dict[str, Any]:
    return dict(build(settings, NoProgress()).resources or {})


def shown_defaults(resources: dict[str, Any]) -> str:
    """What Dagster shows as the configuration of resources."""
    definitions = dg.Definitions(resources=resources).get_repository_def().get_top_level_resources()
    fields = [definition.config_schema.as_field() for definition in definitions.values()]
    return "\n".join(field.default_value_as_json_str for field in fields if field.default_provided)


def test_no_password_is_in_the_configuration_that_dagster_shows(secret_settings: Settings) -> None:
    defaults = shown_defaults(resources_of(secret_settings))
    assert MARKER not in defaults
    assert f"{PREFIX}_VAULT_URL" in defaults
    assert str(secret_settings.master_key_file) in defaults, "what is no secret is shown"


def test_a_run_has_the_addresses_with_their_passwords(secret_settings: Settings) -> None:
    with dg.build_resources(resources_of(secret_settings)) as built:
        lake, vault, auditor, backups = built.lake, built.vault, built.auditor, built.backups
        assert isinstance(lake, LakeResource) and isinstance(vault, VaultResource)
        assert isinstance(auditor, Auditor) and isinstance(backups, Backups)
        assert (lake.catalog, lake.ledger_url) == (secret_settings.catalog_url, secret_settings.ledger_url)
        assert (vault.url, auditor.vault.url) == (secret_settings.vault_url, secret_settings.vault_url)
        assert backups.lake.catalog == built.lake_io.lake.catalog == secret_settings.catalog_url


def test_two_installations_in_one_process_keep_their_own_addresses(
    secret_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = resources_of(secret_settings)
    monkeypatch.setenv("VAULT", f"postgresql://sync:{MARKER}@other.example/vault")
    second = resources_of(load_settings())
    urls = []
    for resources in (first, second):
        with dg.build_resources({"vault": resources["vault"]}) as built:
            urls.append(built.vault.url)
    assert urls == [secret_settings.vault_url, load_settings().vault_url]


@pytest.mark.full
def test_no_secret_of_any_setting_is_in_an_answer_of_graphql(secret_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "query").write_text(QUERY)
    (tmp_path / "dagster.yaml").write_text("")
    command = [Path(sys.executable).parent / "dagster-graphql", "-m", "sync_platform.definitions"]
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path)}
    done = subprocess.run(
        [*command, "--file", tmp_path / "query"], env=environment, capture_output=True, text=True, check=True
    )
    assert f"{PREFIX}_VAULT_URL" in done.stdout
    assert MARKER not in done.stdout + done.stderr
