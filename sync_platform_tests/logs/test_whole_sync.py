"""Commands that log as JSON, in their own processes: what they write, and that it has no value of a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.extra_platform import seat, served

PERSONAL = ("guest", "phone", "remark")
PLATFORM_FILE = '''
"""Tables of one restaurant, and who sits at them."""

from typing import Annotated

from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset, Pace, Platform, Terms
from sync_platform.sources.endpoints import Endpoint
from sync_platform.sources.rules import Within
from sync_platform.vault.personal_fields import Personal


class Seat(Row):
    name: Annotated[str | None, column("What the table is called", matters=True)] = None
    seats: Annotated[int | None, column("How many can sit at it", rules=(Within(1, 12),))] = None
    guest: Annotated[str | None, column("Who sits there", sealed=True)] = None
    phone: Annotated[str | None, column("The guest's number", sealed=True)] = None
    remark: Annotated[str | None, column("What the guest said", sealed=True)] = None


class Tables(Platform):
    name = "tables"
    title = "Tables"
    description = "Tables of one restaurant."
    live_base_url = "https://tables.example"
    cadence = "monthly"
    priority = "low"
    terms = Terms("ours", "https://tables.example/terms", agreement_needed=False)
    pace = Pace(requests_per_second=1, concurrency=1)
    datasets = (
        Dataset(
            "seats", "Tables", Seat, key=("table",),
            personal=Personal(("guest", "phone", "remark"), subject=("guest",)),
        ),
    )
    endpoints = (Endpoint("seats", "/tables", records=""),)
'''
CRASH = """
    def pages(self, extraction):
        raise KeyError("marked-guest")
"""
END = """
    def pages(self, extraction):
        import os

        os._exit(3)
"""
SECRETS = {"TABLES_API_KEY": "marked-key-8152", "KEETA_REFRESH_TOKEN": "marked-token-77"}


def marked(number: int, **values: Any) -> dict[str, Any]:
    """A record with a marked value in every personal field."""
    return seat(number, **{name: f"marked-{name}-{number}" for name in PERSONAL}, **values)


def lines_of(errors: str) -> list[dict[str, Any]]:
    """The log lines; everything on standard error must be one."""
    return [json.loads(line) for line in errors.splitlines()]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home", {"LOG_FORMAT": "json"})


@pytest.fixture
def tables(shell: Shell, tmp_path: Path) -> Shell:
    """A home with one more platform, whose settings have secrets, and which logs everything as JSON."""
    (tmp_path / "platforms").mkdir()
    (tmp_path / "platforms" / "tables.py").write_text(PLATFORM_FILE)
    shell.environment |= {**SECRETS, "LOG_LEVEL": "DEBUG", "PLATFORM_PATH": str(tmp_path / "platforms")}
    return shell


def test_a_sync_logs_its_operation_its_result_and_no_personal_value_or_secret(tables: Shell) -> None:
    records = [
        marked(1),
        marked(2),
        marked(3, seats=99),
        {**marked(4), "phone": {"marked-odd": 1}},
        marked(5, seats="x"),
    ]
    with served(records) as url:
        tables.environment |= {"TABLES_BASE_URL": url}
        done = tables.run("sync", "tables", "--no-unify", "--json")
    assert json.loads(done.stdout)["platforms"][0]["platform"] == "tables"
    lines = lines_of(done.stderr)
    assert len({line["trace_id"] for line in lines}) == 1
    (ended,) = [line for line in lines if line["message"].startswith("Sync job completed")]
    assert ended["message"].endswith("processed: 5, updated: 0, created: 3, errors: 2")
    assert (ended["level"], ended["platform"]) == ("WARNING", "tables")
    assert ended["run_id"] == json.loads(done.stdout)["platforms"][0]["run_id"]
    operations = [line["message"] for line in lines if line["logger"] == "sync_platform.storage.audit_log"]
    assert [message.split(" (")[0] for message in operations] == ["sync: begun", "sync: degraded"]
    assert any("quarantine" in line["message"] for line in lines if line["level"] == "WARNING")
    assert "DEBUG" in {line["level"] for line in lines}
    assert "marked" not in done.stderr


def test_a_sync_that_crashes_is_one_critical_line_without_the_value(tables: Shell, tmp_path: Path) -> None:
    (tmp_path / "platforms" / "tables.py").write_text(PLATFORM_FILE + CRASH)
    tables.environment |= {"TABLES_BASE_URL": "http://127.0.0.1:9"}
    done = tables.run("sync", "tables", "--no-unify")
    lines = lines_of(done.stderr)
    assert [line["level"] for line in lines].count("CRITICAL") == 1
    assert [line["message"] for line in lines if line["level"] == "ERROR" and "Sync job failed" in line["message"]]
    assert "marked" not in done.stderr


def test_a_sync_whose_process_is_gone_is_an_error_line(tables: Shell, tmp_path: Path) -> None:
    (tmp_path / "platforms" / "tables.py").write_text(PLATFORM_FILE + END)
    tables.environment |= {"TABLES_BASE_URL": "http://127.0.0.1:9", "LOG_LEVEL": "ERROR"}
    (line,) = lines_of(tables.run("sync", "tables", "--no-unify").stderr)
    assert line["message"].endswith(": its process ended before its time (exit code 3)")
    assert (line["platform"], line["message"].split(": ")[0]) == ("tables", "Sync job failed")


def test_wrong_usage_and_refused_commands_are_error_lines(shell: Shell) -> None:
    unknown = shell.run("sync", "--nope")
    assert [line["message"] for line in lines_of(unknown.stderr) if line["level"] == "ERROR"] == [
        "No such option: --nope"
    ]
    refused = shell.run("emergency", "status", "no-such-request")
    (line,) = lines_of(refused.stderr)
    assert (line["level"], line["message"]) == ("ERROR", "there is no emergency request 'no-such-request'")
    assert refused.returncode == 2


def test_an_emergency_request_is_logged_under_its_id(shell: Shell) -> None:
    done = shell.run("emergency", "chope", "--reason", "menus are wrong", "--requester", "ada", "--json")
    request = json.loads(done.stdout)["request_id"]
    (line,) = [line for line in lines_of(done.stderr) if "Emergency sync triggered" in line["message"]]
    assert line["message"] == f"Emergency sync triggered: request {request}, priority high, platforms: chope"
    assert line["trace_id"] == request
    assert "ada" not in line["message"] and "menus" not in line["message"]
