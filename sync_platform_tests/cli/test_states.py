"""One word for each state in every output for people: complete, with gaps, degraded, failed, cancelled."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass, replace
from typing import Any

import pytest
from dagster import AssetKey

from sync_platform.cli.runner.instance import opened_instance
from sync_platform.documents.states import CANCELLED, COMPLETE, DEGRADED, FAILED, WITH_GAPS
from sync_platform.emergency.request import RUN_CANCELLED, Asking, EmergencyRequest, PlatformRun
from sync_platform.emergency.request_report import report_on
from sync_platform.lake.syncs import SyncRecord, last_syncs
from sync_platform.settings import Settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.cli.conftest import TODAY, Shell, wait_until

STATES = {
    "data_gov_hk": COMPLETE,
    "eatigo": WITH_GAPS,
    "bistrochat": DEGRADED,  # too many records are in quarantine, so Dagster's run is blocked
    "tripadvisor": FAILED,
    "chope": CANCELLED,
}
FAULTS = ("eatigo:truncated~page=2", "bistrochat:duplicates", "chope:slow=30")


@dataclass(frozen=True)
class Ended:
    """A home with a sync in each of the five states, and what the two commands that ran them wrote."""

    shell: Shell
    summary: str
    progress: str
    errors: str

    @property
    def settings(self) -> Settings:
        return Settings(_env_file=None, sync_home=self.shell.home)

    def shown(self, *arguments: str) -> str:
        return self.shell.run_in_process(*arguments).stdout

    def records(self) -> dict[str, SyncRecord]:
        with Lake(LakeAddress.of(self.settings), read_only=True) as lake:
            return last_syncs(lake)


@pytest.fixture
def ended(shell: Shell, sandbox: Any) -> Ended:
    shell.environment |= {"GAP_TOLERANCE": "0.6", "HTTP_ATTEMPTS": "1", "TRIPADVISOR_BASE_URL": "http://127.0.0.1:9"}
    shell.environment |= sandbox(*FAULTS, places=40).addresses("data_gov_hk", "eatigo", "bistrochat", "chope")
    synced = shell.run("sync", "--no-unify", *(name for name in STATES if name != "chope"))
    assert synced.returncode == 1, synced.stderr
    process = shell.start("sync", "--no-unify", "chope")
    wait_until(lambda: (shell.home / "turns" / "chope.holder").exists(), process)
    process.send_signal(signal.SIGINT)
    return Ended(shell, synced.stdout, synced.stderr, process.wait(20).stderr)


def line_of(text: str, start: str) -> str:
    """The first line of the text, without frames, that begins with `start`."""
    lines = (re.sub(r"[┃│\s]+", " ", line).strip() for line in text.splitlines())
    return next((line for line in lines if line.startswith(start)), "")


def test_every_output_has_the_same_word_for_each_of_the_five_states(ended: Ended) -> None:
    assert line_of(ended.summary, "✓ 1") == "✓ 1 complete, ~ 1 with gaps, ! 1 degraded, ✗ 1 failed"
    for name in ("eatigo", "bistrochat", "tripadvisor"):
        assert line_of(ended.summary, f"{name} {STATES[name]}: "), ended.summary
    for name in ("data_gov_hk", "eatigo", "bistrochat", "tripadvisor"):
        assert line_of(ended.progress, f"{name} {STATES[name]}: "), ended.progress
    assert ended.errors == "sync-platform: cancelled: nothing is half-written\n"

    records = ended.records()
    assert {name: record.state for name, record in records.items()} == {
        name: state
        for name, state in STATES.items()
        if name != "chope"  # its extraction never reached the lake
    }
    platforms, status = ended.shown("platforms"), ended.shown("status").partition("last sync")[2]
    for name, state in STATES.items():
        at = platforms.index(f"│ {name} ")
        assert f"{state}, " in platforms[at : platforms.index("├", at)], platforms
        assert line_of(status, f"{name} ").endswith(f") {state}"), status

    audit = ended.shown("audit")
    assert [line_of(audit, f"{number} ").split()[6:8] for number in (2, 4)] == [["sync", FAILED], ["sync", CANCELLED]]
    assert "with_gaps: eatigo" in re.sub(r"[│\s]+", " ", audit)

    with opened_instance(ended.settings) as instance:
        for table in ("data_gov_hk/licences", "eatigo/promotions", "bistrochat/posts"):
            event = instance.get_latest_materialization_event(AssetKey(table.split("/")))
            assert event is not None
            assert event.asset_materialization is not None
            assert event.asset_materialization.metadata["status"].value == STATES[table.split("/")[0]]
    assert ended.shell.run_states()[-1] == "CANCELED"

    report = ended.shown("report", "compliance", "--from", TODAY, "--to", TODAY)
    for heading, table in {
        "syncs: complete": "data_gov_hk.licences",
        "with gaps": "eatigo.promotions",
        "degraded": "bistrochat.posts",
        "failed": "tripadvisor (no dataset reached)",
    }.items():
        block = report.partition("By dataset")[2].partition(table)[2].partition("\n-- ")[0]
        assert line_of(block, heading) == f"{heading} 1", report
    assert line_of(report, "sync cli cancelled") == "sync cli cancelled 1"

    emergency = report_on(request_of(records), [replace(each, request_id="r") for each in records.values()], {})
    assert {each.run.platform: each.state_in_words for each in emergency.platforms} == STATES
    assert emergency.state_in_words == FAILED


def request_of(records: dict[str, SyncRecord]) -> EmergencyRequest:
    """A finished request of the five syncs."""
    at = records["eatigo"].committed_at
    runs = [
        PlatformRun(name, "finished", "sensor", "run", records[name].status, None, at, at)
        for name in STATES
        if name in records
    ]
    cancelled = PlatformRun("chope", "finished", "sensor", "run", "failed", RUN_CANCELLED, at, at)
    return EmergencyRequest("r", at, (Asking("ada", "why", "high", at),), (*runs, cancelled))
