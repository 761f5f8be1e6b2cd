"""The same commands on a laptop and on PostgreSQL with S3: only settings differ, and the results are the same."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from sync_platform.settings import load_settings
from sync_platform.storage.platform_lock import holder_of
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.installations import fleet_settings
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.services import PostgresServer, S3Server
from sync_platform_tests.warm import StartedProcess

PLATFORMS = ("data_gov_hk", "chope")
TABLES = ("data_gov_hk.licences", "chope.restaurants")  # they have no sealed values: each installation has its own keys
CONTENT = "SELECT 'changes' AS name, count(*)::VARCHAR AS source_id, NULL AS content_hash FROM lineage.changes"
for _table in TABLES:
    CONTENT += f" UNION ALL SELECT '{_table}', source_id, content_hash FROM {_table} WHERE removed_at IS NULL"


def test_postgresql_with_s3_has_the_same_tables_as_a_laptop(
    tmp_path: Path, postgres_server: PostgresServer, s3_server: S3Server
) -> None:
    laptop = Shell(tmp_path / "laptop")
    fleet = Shell(tmp_path / "fleet", fleet_settings(postgres_server, s3_server))
    for shell in (laptop, fleet):
        code, document = shell.sync(*PLATFORMS)
        assert (code, document["status"]) == (0, "complete"), document
    content = fleet.query(f"{CONTENT} ORDER BY ALL")
    assert content == laptop.query(f"{CONTENT} ORDER BY ALL")
    assert {row["name"] for row in content} == {"changes", *TABLES}
    code, document = fleet.sync(*PLATFORMS)
    assert (code, document["status"]) == (0, "complete"), document
    assert fleet.query(f"{CONTENT} ORDER BY ALL") == content
    kept = {path.relative_to(fleet.home).parts[0] for path in fleet.home.rglob("*") if path.is_file()}
    assert kept == {"dagster", "vault"}  # Dagster's own records, and the key file
    landed = s3_server.client().list_objects_v2(Bucket=s3_server.bucket, Prefix=_prefix(fleet.environment["LANDING"]))
    manifests = [entry["Key"] for entry in landed["Contents"] if entry["Key"].endswith("manifest.json")]
    assert len(manifests) == 2 * 3  # syncs, datasets


@pytest.mark.full  # test_platform_lock in storage and defs has the same behaviour without processes of the command line
def test_a_second_sync_of_a_platform_waits_for_the_first_and_not_for_a_dead_one(
    shell: Shell, sandbox: Any, installation: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.environment = {**installation, **sandbox("chope:slow=60").addresses("chope")}
    first = shell.start("sync", "--no-unify", "chope", "--json")
    monkeypatch.setenv("SYNC_HOME", str(shell.home))
    run_id = _holder(load_settings().ledger_url, first)
    shell.environment = {**installation, **sandbox().addresses("chope")}
    second = shell.start("sync", "--no-unify", "chope")
    wait_until(lambda: second.errors, second)
    assert second.errors.startswith(f"chope        waiting for another sync of chope (run {run_id[:8]}, since ")
    first.send_signal(signal.SIGKILL)
    first.wait()
    done = second.wait(LONGEST_WAIT_S)
    assert (done.returncode, done.stderr.count("complete")) == (0, 1), done.stderr
    assert shell.query("SELECT DISTINCT status FROM sync.runs") == [{"status": "complete"}]
    assert shell.unfinished_runs() == []


def _holder(ledger: str, process: StartedProcess) -> str:
    wait_until(lambda: holder_of(ledger, "chope"), process)
    holder = holder_of(ledger, "chope")
    assert holder is not None
    return holder.run_id


def _prefix(url: str) -> str:
    return url.removeprefix("s3://").split("/", 1)[1]
