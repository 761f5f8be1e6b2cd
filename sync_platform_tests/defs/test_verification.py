"""The verification job says in the audit log what it found, so that an alert can follow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import orjson
import pytest

from sync_platform.defs.lineage import auditor_of, verification_schedule
from sync_platform.lineage.findings import last_verification
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName
from sync_platform_tests.cli.unpacked_home import unpacked_home


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_a_verification_ends_in_the_audit_log_with_the_breaks_that_it_found(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    settings = Settings(_env_file=None, sync_home=unpacked_home(tmp_path / "home").home)
    assert verified(settings, instance) == ("complete", 0)
    with Lake(LakeAddress.of(settings)) as lake, lake.session() as session:
        session.execute(f"UPDATE lake.{settings.lineage_table_name} SET after = NULL WHERE platform = 'chope'")
    outcome, breaks = verified(settings, instance)
    assert outcome == "failed"
    assert breaks > 0


def verified(settings: Settings, instance: dg.DagsterInstance) -> tuple[str, int]:
    """Run the job; how it ended in the audit log, and how many breaks it found."""
    verification_schedule().job.execute_in_process(  # type: ignore[union-attr]
        instance=instance, resources={"auditor": auditor_of(settings)}, raise_on_error=False
    )
    log = AuditLog(settings.ledger_url)
    last = last_verification(log.entries(operation=OperationName.verify))
    log.close()
    assert last is not None
    return last.outcome, orjson.loads(last.subject)["breaks"]
