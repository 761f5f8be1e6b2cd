"""The end of an operation that a newer version overtakes: its entry cannot be written into the audit log."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync_platform.cli.audited import audited
from sync_platform.errors import MadeByNewer
from sync_platform.settings import load_settings
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import open_database, transaction


@pytest.mark.parametrize("operation", [OperationName.serve, OperationName.backup])
def test_only_a_server_may_end_without_its_entry(
    operation: OperationName, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, is_server = load_settings(sync_home=tmp_path), operation is OperationName.serve
    refused = nullcontext() if is_server else pytest.raises(MadeByNewer)
    with refused, audited(settings, operation, {}) as under_way:
        ledger = open_database(settings.ledger_url, MIGRATIONS)
        with transaction(ledger) as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        ledger.dispose()
        under_way.ended("complete")
    assert ("is not in the audit log" in capsys.readouterr().err) is is_server
