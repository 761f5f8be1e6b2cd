"""Every command that lists something fits 80 and 120 columns with whole ids, and writes JSON that keeps its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from rich.cells import cell_len
from typer.main import get_command

import sync_platform
from sync_platform.cli.app import app
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import submit_request
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.platforms import load_platforms
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.erasure_proof import CheckedPlace, ErasureProof, ValueState
from sync_platform.privacy.erasure_record import ErasureEventKind
from sync_platform.privacy.legal_holds import LegalHolds
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.cli.conftest import ROOT, Shell
from sync_platform_tests.cli.test_earlier_home import earlier
from sync_platform_tests.extent import is_full

__all__ = ["earlier"]

PACKAGE = Path(sync_platform.__file__).parent
ELSEWHERE = {"lineage export": PACKAGE / "lineage" / "export.schema.json"}
LIST_NOTHING = {"sandbox", "serve", "attach", "lineage openlineage", "emergency starter"}
"""Two servers, a command that writes SQL, and a command that writes events in the format of OpenLineage."""
SCHEMAS = sorted((PACKAGE / "cli").rglob("*.schema.json"))
LISTINGS: dict[str, tuple[str, ...]] = {
    "tables": ("tables",),
    "tables of one": ("tables", "unified.restaurants"),
    "status": ("status",),
    "health": ("health",),
    "freshness": ("freshness",),
    "watch": ("watch", "--once"),
    "alerts list": ("alerts", "list"),
    "metrics show": ("metrics",),
    "privacy erasure list": ("privacy", "erasure", "list"),
    "privacy erasure show": ("privacy", "erasure", "show", "1"),
    "privacy hold list": ("privacy", "hold", "list"),
    "privacy requests list": ("privacy", "requests", "list", "--all"),
    "privacy requests show": ("privacy", "requests", "show", "1"),
    "metrics history": ("metrics", "history", "SyncDuration", "--since", "2020-01-01"),
    "anomalies": ("anomalies", "chope"),
    "changes": ("changes", "chope", "--since", "2026-11-01"),
    "audit": ("audit",),
    "platforms": ("platforms",),
    "query": ("query", "SELECT * FROM unified.restaurants ORDER BY restaurant_id LIMIT 3"),
    "quality": ("quality",),
    "quarantine list": ("quarantine", "list", "--all"),
    "emergency status": ("emergency", "status"),
    "match review": ("match", "review"),
    "match decisions": ("match", "decisions"),
    "lineage verify": ("lineage", "verify"),
    "lineage show": ("lineage", "show", "chope", "restaurants"),
    "lineage export": ("lineage", "export"),
    "maintain": ("maintain", "--dry-run"),
    "migrate": ("migrate", "--check"),
    "retention run": ("retention", "run", "--dry-run"),
    "token list": ("token", "list"),
    "user list": ("user", "list"),
    "report compliance": ("report", "compliance", "--from", "2026-11-01", "--to", "2026-11-28"),
}
IDS = {
    "tables": "name",
    "status": "platform",
    "health": "platform",
    "freshness": "platform",
    "watch": "cause",
    "alerts list": "alert_id",
    "metrics show": "platform",
    "privacy requests list": "request",
    "anomalies": "series",
    "audit": "number",
    "platforms": "platform",
    "query": "restaurant_id",
    "retention run": "rule",
    "quarantine list": "source_id",
    "emergency status": "request_id",
    "match review": "source_id",
    "match decisions": "one",
    "report compliance": "id",
}
"""The key of the ids that a listing has."""
OF_THIS_MOMENT = {"watch", "health"}
"""Their exit code may differ a minute later: by then, nobody has launched the emergency request."""
WIDTHS = (80, 120) if is_full() else (80,)
LONG_PROBLEM = Problem(
    name=ProblemName.sync_failed,
    detail="",
    what="The sync failed: " + "why " * 40,
    effect="No new data are stored.",
    action="Read the reason.",
    command=("status",),
    subjects=tuple(load_platforms()),
)


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command without subcommands, by its name."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
    for word, each in (below or {}).items():
        yield from commands(each, f"{name} {word}".strip())


def schema_of(name: str) -> Path:
    return ELSEWHERE.get(name) or next(path for path in SCHEMAS if path.name == f"{name.replace(' ', '-')}.schema.json")


@pytest.fixture(scope="module")
def listed(earlier: Shell) -> Shell:
    """A home with data, a request, and a backfill of a hundred periods in its audit log."""
    settings = load_settings(sync_home=earlier.home)
    periods = [f"{year}-{month:02}" for year in range(2017, 2026) for month in range(1, 13)]
    log = AuditLog(settings.ledger_url)
    for outcome in ("begun", "complete"):
        log.record("backfill", {"platform": "chope", "periods": periods}, actor="ada", via="cli", outcome=outcome)
    log.close()
    AlertStore(settings.ledger_url, ["log"]).round([LONG_PROBLEM], set(ProblemName))
    submit_request(RequestStore(settings.ledger_url), load_platforms(), ["chope"], reason="why " * 40, requester="ada")
    register = RequestRegister(settings.ledger_url)
    number = register.add(
        PrivacyRequestKind.access,
        actor="ada",
        reference="ticket " * 20,
        identity="shown " * 20,
        subjects=["s" * 22] * 9,
    )
    register.refuse(number, "why " * 40, "PDPO s.20(1)(a)", actor="ada")
    record_erasure_and_hold(settings.ledger_url)
    register.dispose()
    assert earlier.run("unify").returncode == 0  # with the model of this version
    return earlier


def record_erasure_and_hold(ledger_url: str) -> None:
    """An erasure with a proof of many places, and a hold of many fields; nobody is erased."""
    places = [CheckedPlace(f"place {number}" * 6, ValueState.unreadable, {"files": number}) for number in range(9)]
    proof = ErasureProof(datetime(2026, 11, 28, tzinfo=UTC), places).document()
    ledger, holds = ErasureLedger(ledger_url), LegalHolds(ledger_url)
    asked = ledger.begin("ada", {"subjects": ["s" * 22] * 9, "reason": "why " * 40, "selected_by": "email"})
    ledger.append(asked.number, ErasureEventKind.confirmed, "ada", {"alone": True})
    ledger.append(asked.number, ErasureEventKind.complete, "ada", {"proof": proof})
    fields = [f"chope.reservations.{name}" for name in ("email", "mobile", "forename", "surname")]
    holds.add(["s" * 22], fields, "why " * 40, datetime(2126, 11, 28, tzinfo=UTC), "ada")
    ledger.close()
    holds.close()


def arguments(listed: Shell, name: str) -> tuple[str, ...]:
    if name != "lineage show":
        return LISTINGS[name]
    return *LISTINGS[name], listed.query("SELECT min(source_id) AS id FROM chope.restaurants")[0]["id"]


def ids_in(document: Any, key: str) -> set[str]:
    if isinstance(document, list):
        return {found for each in document for found in ids_in(each, key)}
    if not isinstance(document, dict):
        return set()
    here = {str(document[key])} if isinstance(document.get(key), str | int) else set()
    return here | {found for each in document.values() for found in ids_in(each, key)}


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_fits_80_and_120_columns_and_its_json_keeps_its_schema(listed: Shell, name: str) -> None:
    command = arguments(listed, name)
    done = listed.run_in_process(*command, "--json")
    document = json.loads(done.stdout)
    schema = json.loads(schema_of(name.removesuffix(" of one")).read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []
    if name == "lineage export":
        return  # it has no table
    for width in WIDTHS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(listed.environment, "COLUMNS", str(width))
            output = listed.run_in_process(*command)
        assert output.returncode == done.returncode or name in OF_THIS_MOMENT
        assert "\x1b" not in output.stdout
        tables = [line for line in output.stdout.splitlines() if line.startswith(("┃", "│", "┏", "┡", "└", " ─"))]
        assert [line for line in tables if cell_len(line) > width] == []
        missing = {each for each in ids_in(document, IDS.get(name, "")) if each not in output.stdout}
        assert missing == set()


def test_the_audit_log_does_not_list_a_hundred_periods(listed: Shell) -> None:
    output = listed.run_in_process("audit", "--operation", "backfill").stdout
    assert output.count("2017-01 … 2025-12 (108)") == 2
    assert "2020-05" not in output


def test_every_command_that_lists_something_has_json_and_a_schema() -> None:
    commands_by_name = dict(commands(get_command(app)))
    with_json = {
        name for name, command in commands_by_name.items() if any("--json" in each.opts for each in command.params)
    }
    assert set(commands_by_name) - with_json == LIST_NOTHING
    assert {schema_of(name) for name in with_json} == {*SCHEMAS, *ELSEWHERE.values()}


def test_every_schema_is_valid_and_cited_in_the_documents() -> None:
    page = (ROOT / "docs" / "json.md").read_text()
    for path in SCHEMAS:
        Draft202012Validator.check_schema(json.loads(path.read_text()))
        assert f"../{path.relative_to(ROOT).as_posix()}" in page, path.name
