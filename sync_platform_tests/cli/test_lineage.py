"""`lineage`, `audit` and `query --as-of`: the commands of an auditor."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sync_platform.vault.key_file import from_key_file
from sync_platform_tests.cli.conftest import TODAY, Shell


def test_an_auditor_verifies_anchors_and_finds_a_forgery(shell: Shell) -> None:
    shell.environment["SYNC_ACTOR"] = "ada"
    code, document = shell.sync("chope", "--accept-shrink", "closing time")
    assert code == 0
    anchored = json.loads(shell.run("lineage", "anchor", "--json").stdout)["anchor"]
    done = shell.run("lineage", "verify", "--landing", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["holds"], answer["breaks"]) == (0, True, [])
    assert answer["anchors"] == 1 and answer["changes"] > 50 and answer["landed_objects"] > 0
    assert answer["files"] > 10 and answer["files_unrecorded"] == 0

    entries = json.loads(shell.run("audit", "--json").stdout)["entries"]
    message = [(entry["operation"], entry["outcome"], entry["actor"], entry["via"]) for entry in entries]
    assert message == [
        ("accept-shrink", "begun", "ada", "cli"),
        ("sync", "begun", "ada", "cli"),
        ("sync", "complete", "ada", "cli"),
        ("anchor", "begun", "ada", "cli"),
        ("anchor", "complete", "ada", "cli"),
    ]
    assert entries[0]["subject"]["reason"] == "closing time"
    assert entries[2]["subject"]["run_ids"] == [document["platforms"][0]["run_id"]]

    rows = shell.query("SELECT count(*) AS n FROM chope.restaurants")
    then = shell.run("query", "SELECT count(*) AS n FROM chope.restaurants", "--as-of", TODAY, "--format", "json")
    assert (json.loads(then.stdout), "time travel to snapshot" in then.stderr) == (rows, True)
    assert shell.run("query", "FROM chope.restaurants", "--as-of", "now").returncode == 2
    exports = json.loads(shell.run("audit", "--operation", "export", "--json").stdout)["entries"]
    assert [entry["subject"]["tables"] for entry in exports] == [["chope.restaurants"]] * 2

    report = ["report", "compliance", "--from", "2026-11-01", "--to", "2099-12-31"]
    done = shell.run(*report, "--json")
    message = json.loads(done.stdout)
    unmet = [each["id"] for each in message["obligations"] if each["state"] == "not met"]
    assert (done.returncode, message["compliance_rate"]["not_met"]) == (int(bool(unmet)), len(unmet))
    assert all(name in done.stderr for name in unmet) and bool(done.stderr) == bool(unmet)
    assert message["verdict"]["is_met"] is not bool(unmet)
    assert message["verification"]["holds"] and message["verification"]["landed_objects"] is None
    assert [each["subject"]["reason"] for each in message["operations"]["shrinks"]] == ["closing time"]
    page = shell.home / "report.html"
    assert shell.run_in_process(*report, "--html", "--landing", "--out", str(page)).stdout == ""
    assert page.read_text().startswith("<!doctype html>")
    last = json.loads(shell.run("audit", "--operation", "report", "--json").stdout)["entries"][-1]
    assert (last["outcome"], last["subject"]["what"]) == ("complete", "compliance")
    assert last["subject"]["met"] == message["compliance_rate"]["met"]

    path = shell.home / "kept.json"
    path.write_bytes(Path(anchored.removeprefix("file://")).read_bytes())
    with closing(sqlite3.connect(shell.home / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("DELETE FROM audit_log WHERE number > 2")
    done = shell.run("lineage", "verify", "--anchor", str(path))
    assert done.returncode == 1
    assert "first broken: anchor" in done.stdout and "it was cut" in done.stdout
    (verified,) = json.loads(shell.run_in_process("audit", "--operation", "verify", "--json").stdout)["entries"]
    assert (verified["outcome"], verified["subject"]["breaks"]) == ("failed", 2)
    assert "it was cut" in verified["subject"]["first_breaks"][0]
    page.unlink()
    done = shell.run_in_process(*report, "--html", "--out", str(page))
    assert done.returncode == 1
    assert f"the report is in {page}. Not met: the proof is broken" in done.stderr
    assert "audit-log-holds: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--from", "2026-11-30", "--to", "2026-11-01"], 2, "--from 2026-11-30 lies after --to 2026-11-01"),
        (["--from", "2099-01-01", "--to", "2099-01-31"], 2, "--from 2099-01-01 lies in the future"),
        (["--from", "November", "--to", "2026-11-30"], 2, "--from 'November' is neither a day"),
        (["--from", "2026-11-01", "--to", "2026-11-30", "--json", "--html"], 2, "one of the two"),
        (["--from", "2026-11-01", "--to", "2026-11-30"], 1, "there is no lake yet"),
    ],
)
def test_an_impossible_report_is_refused_with_the_reason(
    shell: Shell, arguments: list[str], code: int, message: str
) -> None:
    done = shell.run_in_process("report", "compliance", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert not shell.home.exists()


@pytest.mark.parametrize(
    "command",
    [
        ["lineage", "export", "--from"],
        ["lineage", "openlineage", "--from"],
        ["changes", "--since"],
        ["audit", "--since"],
        ["metrics", "history", "SyncDuration", "--since"],
    ],
    ids=" ".join,
)
def test_a_span_that_begins_in_the_future_is_refused(synced: Shell, command: list[str]) -> None:
    done = synced.run_in_process(*command, "2099-01-01")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{command[-1]} 2099-01-01 lies in the future: nothing has happened yet; it is" in done.stderr


@pytest.mark.parametrize("command", ["verify", "anchor"])
def test_another_master_key_is_refused(synced: Shell, tmp_path: Path, command: str) -> None:
    wrong = tmp_path / "wrong.key"
    from_key_file(wrong)
    other = Shell(synced.home, {"VAULT_KEY_FILE": str(wrong)})
    refused = other.run_in_process("lineage", command)
    assert refused.returncode == 1
    assert "this is not the master key that the vault was made with" in refused.stderr
    missing = Shell(synced.home, {"VAULT_KEY_FILE": str(tmp_path / "none.key")})
    assert "none.key is missing" in missing.run_in_process("lineage", command).stderr
    assert not (tmp_path / "none.key").exists()
