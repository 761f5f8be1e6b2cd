"""`alerts list|show|ack|silence|resolve|test`, as an operator types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sync_platform.cli.monitoring.alerts_change import parse_duration
from sync_platform.documents.typed_command import typed
from sync_platform.errors import UsageError
from sync_platform.monitoring.alert_store import AlertStore, open_alerts
from sync_platform.monitoring.expected_anomaly import expected_anomalies
from sync_platform.monitoring.problem import ProblemName
from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.cli.conftest import ROOT, Shell
from sync_platform_tests.monitoring.alerting import ALL, Webhook, problem, running_webhook

SCHEMAS = ROOT / "sync_platform" / "cli" / "monitoring"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with running_webhook() as found:
        yield found


@pytest.fixture
def shell(tmp_path: Path, webhook: Webhook) -> Shell:
    """A home with an open alert of an anomaly."""
    shell = Shell(tmp_path / "home", {"ALERT_WEBHOOK": webhook.url, "SYNC_ACTOR": "ada"})
    AlertStore(ledger_of(shell), ["webhook"]).round([problem(ProblemName.anomaly, "chope volume", "chope")], ALL)
    return shell


def ledger_of(shell: Shell) -> str:
    return load_settings(sync_home=shell.home).ledger_url


def document(shell: Shell, *arguments: str) -> Any:
    """The JSON of a command, which keeps its schema."""
    done = shell.run_in_process("alerts", *arguments, "--json")
    answer = json.loads(done.stdout)
    schema = json.loads((SCHEMAS / f"alerts-{arguments[0]}.schema.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(answer)] == []
    return answer


def test_a_home_without_a_ledger_has_no_alerts_and_is_not_created(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "home")
    output = shell.run_in_process("alerts", "list")
    assert (output.returncode, output.stdout) == (0, "last round of monitoring: never: nothing was looked for yet\n")
    for command in (("show", "x"), ("ack", "x"), ("silence", "x", "--for", "1h", "--reason", "y"), ("resolve", "x")):
        refused = shell.run_in_process("alerts", *command)
        assert refused.returncode == 2
        assert refused.stderr.startswith(f"sync-platform: there is no alert 'x': `{typed('alerts', 'list', '--all')}`")
    assert not shell.home.exists()


def test_an_alert_is_listed_shown_acknowledged_silenced_and_resolved(shell: Shell, webhook: Webhook) -> None:
    (listed,) = document(shell, "list")["alerts"]
    alert_id = listed["alert_id"]
    assert (listed["name"], listed["severity"], listed["state"]) == ("anomaly", "medium", "open")
    assert document(shell, "list")["undelivered"][0]["waiting"] == 1
    assert document(shell, "ack", alert_id)["alert"]["acknowledged_by"] == "ada"
    silenced = document(shell, "silence", alert_id, "--for", "2h", "--reason", "it moves")["alert"]
    assert (silenced["state"], silenced["silenced_because"]) == ("silenced", "it moves")
    output = shell.run_in_process("alerts", "show", alert_id).stdout
    for text in ("what: The source answered 403.", "by ada: it moves", "opened", typed("status")):
        assert text in output
    assert document(shell, "resolve", alert_id, "--expected")["alert"]["state"] == "resolved"
    assert [(each.detail, each.accepted_by) for each in expected_anomalies(ledger_of(shell))] == [
        ("chope volume", "ada")
    ]
    assert document(shell, "list")["alerts"] == []
    assert [each["state"] for each in document(shell, "list", "--all")["alerts"]] == ["resolved"]
    assert document(shell, "show", alert_id)["messages"][0]["sent_at"]
    logged = [(each.operation, each.outcome, each.actor) for each in AuditLog(ledger_of(shell)).entries()]
    operations = ("alert-ack", "alert-silence", "alert-resolve")
    assert logged == [(each, outcome, "ada") for each in operations for outcome in ("begun", "complete")]


def test_a_resolved_alert_and_a_wrong_time_are_refused_and_not_logged(shell: Shell) -> None:
    (alert,) = open_alerts(ledger_of(shell))
    refused = shell.run_in_process("alerts", "silence", alert.alert_id, "--for", "soon", "--reason", "x")
    assert (refused.returncode, refused.stderr) == (
        2,
        "sync-platform: --for 'soon' is no time such as 30m, 2h, 3d or 1w\n",
    )
    assert shell.run_in_process("alerts", "silence", alert.alert_id, "--for", "1h", "--reason", " ").returncode == 2
    AlertStore(ledger_of(shell), []).resolve(alert.alert_id, "ada", "fixed")
    refused = shell.run_in_process("alerts", "ack", alert.alert_id)
    assert (refused.returncode, refused.stderr) == (
        2,
        f"sync-platform: alert {alert.alert_id} is resolved already: fixed\n",
    )
    assert list(AuditLog(ledger_of(shell)).entries()) == []


def test_only_an_anomaly_can_be_expected(shell: Shell) -> None:
    AlertStore(ledger_of(shell), []).round([problem()], ALL)
    (alert,) = [each for each in open_alerts(ledger_of(shell)) if each.name == "sync-failed"]
    refused = shell.run_in_process("alerts", "resolve", alert.alert_id, "--expected")
    assert (refused.returncode, expected_anomalies(ledger_of(shell))) == (2, [])
    assert "--expected is for anomalies" in refused.stderr


def test_a_test_message_follows_earlier_ones_and_shows_who_took_it(shell: Shell, webhook: Webhook) -> None:
    answer = document(shell, "test", "--severity", "high")
    assert [(each["event"], each["severity"]) for each in webhook.received] == [("opened", "medium"), ("test", "high")]
    assert webhook.received[1]["alert_id"] == answer["alert_id"]
    webhook.status = 503
    failed = shell.run_in_process("alerts", "test")
    assert failed.returncode == 1
    assert failed.stdout.startswith("webhook: not sent: the webhook answered 503: nothing\n")
    listed = shell.run_in_process("alerts", "list").stdout
    assert "webhook: 1 message waits since " in listed
    assert "(attempt 1: the webhook answered 503: nothing)" in listed


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("30d", timedelta(days=30)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "2", "h", "0h", "-1h", "1.5h", "31d", "5w", "9999999999d", "2h30m"])
def test_any_other_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--for"):
        parse_duration(text)
