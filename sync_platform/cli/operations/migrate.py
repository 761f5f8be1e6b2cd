"""`sync-platform migrate`: brings everything that is stored to the versions of this program, or compares them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import coloured, console, write_json
from sync_platform.cli.runner.instance_settings import VERSIONS, InstanceSettings
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.lake.migration import migrate_lake
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_formats import read_formats
from sync_platform.storage.ledger import MIGRATIONS as OF_LEDGER
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import open_database, schema_versions
from sync_platform.unified.tables import ensure_unified
from sync_platform.vault.seal import MIGRATIONS as OF_VAULT

LACKING = "lines missing"
"""The state of settings that a person changed, and that lack some of this version: no migration adds them."""
COLOURS = {
    "up to date": "complete",
    "migrate": "degraded",
    "newer": "failed",
    "not made yet": "never",
    LACKING: "degraded",
}


@dataclass(frozen=True)
class StoredVersion:
    """What is stored in which version. `found` is None where nothing is stored, or no version with it."""

    part: str
    found: str | None
    newest: str | None
    state: str


def migrate(*, is_check: bool, as_json: bool) -> int:
    """Migrate, or with `is_check` only compare; 0, or 1 if something is not up to date. StorageError for newer data."""
    settings = load_settings()
    if not is_check:
        _migrate(settings)
    found = _instance_settings(settings)
    versions = [*stored_versions(settings), _version_of(found)]
    lines = _missing_lines(found)
    if as_json:
        write_json({"versions": [asdict(each) for each in versions], "missing_settings": lines})
    else:
        _show(versions)
        if found and lines:
            console().print(f"Missing in {found.path}, which was changed by hand:\n\n{lines}", soft_wrap=True, end="")
    return FAILED if any(each.state in ("migrate", "newer") for each in versions) else OK


def stored_versions(settings: Settings) -> list[StoredVersion]:
    """The version of each part of what is stored; nothing is changed."""
    from sync_platform.cli.runner.dagster_migration import (
        dagster_versions,
        is_newer,
    )  # importing Dagster takes a second

    ledger = schema_versions(settings.ledger_url, OF_LEDGER)
    vault = schema_versions(settings.vault_url, OF_VAULT)
    dagster = dagster_versions(settings)
    return [
        StoredVersion("ledger", *ledger, _state_of_numbers(*ledger)),
        StoredVersion("vault", *vault, _state_of_numbers(*vault)),
        *_of_lake(settings),
        StoredVersion("Dagster's records", *dagster, "newer" if is_newer(dagster[0]) else _state_of(*dagster)),
    ]


def _instance_settings(settings: Settings) -> InstanceSettings | None:
    from sync_platform.cli.runner.dagster_migration import instance_settings  # the import of Dagster takes a second

    return instance_settings(settings)


def _version_of(found: InstanceSettings | None) -> StoredVersion:
    version, newest = found.version if found else None, len(VERSIONS)
    state = "not made yet" if found is None else "migrate" if found.is_replaced else "up to date"
    return StoredVersion(
        "Dagster's settings",
        str(version) if version else None,
        str(newest),
        LACKING if _missing_lines(found) else state,
    )


def _missing_lines(found: InstanceSettings | None) -> str:
    """What a person adds to `dagster.yaml`, as YAML; empty where nothing is missing, or where a command adds it."""
    return "" if found is None or found.is_replaced else found.missing_lines


def _of_lake(settings: Settings) -> list[StoredVersion]:
    address = LakeAddress.of(settings)
    if not address.exists:
        return [StoredVersion("lake", None, None, "not made yet")]
    with Lake(address, read_only=True) as lake, lake.session() as session:
        formats = read_formats(session, LAKE)
    return [
        StoredVersion(
            each.name,
            None if each.found is None else str(each.found),
            str(each.ours),
            "up to date" if each.found == each.ours else "migrate",
        )
        for each in formats
    ]


def _migrate(settings: Settings) -> None:
    from sync_platform.cli.runner.dagster_migration import migrate_dagster  # the import of Dagster takes a second

    with audited(settings, OperationName.migrate, {}) as operation:  # which opens, and so migrates, the ledger
        for url, migrations in ((settings.ledger_url, OF_LEDGER), (settings.vault_url, OF_VAULT)):
            open_database(url, migrations).dispose()
        address = LakeAddress.of(settings)
        if address.exists:
            with Lake(address) as lake:
                platforms = load_platforms(settings.platform_path)
                migrate_lake(lake, settings.lineage_table_name, platforms, ensure_unified)
        migrate_dagster(settings)
        operation.ended("complete")


def _state_of_numbers(version: str | None, newest: str) -> str:
    if version is not None and version > newest:
        return "newer"
    return _state_of(version, newest)


def _state_of(version: str | None, newest: str | None) -> str:
    if version is None:
        return "not made yet"
    return "up to date" if version == newest else "migrate"


def _show(versions: list[StoredVersion]) -> None:
    table = FittedTable(("part", "stored version", "newest version", "state"), optional=("newest version",))
    for each in versions:
        table.add_row(each.part, each.found or "", each.newest or "", coloured(COLOURS[each.state], each.state))
    console().print_table(table)
