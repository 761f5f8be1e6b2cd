"""`sync`: from HTTP to the lake, repeated, and with failures."""

from __future__ import annotations

import errno
import os
import resource
import signal
from pathlib import Path
from typing import Any

import pytest

from sync_platform.cli.app import run
from sync_platform.cli.runner.home import prepare_home
from sync_platform.cli.syncing import sync
from sync_platform.errors import StorageError
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.limits import LONGEST_WAIT_S


def datasets_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{each['platform']}.{part['dataset']}": part for each in document["platforms"] for part in each["datasets"]
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["openrce"], "unknown platform openrce; there are data_gov_hk"),
        (["--partition", "2026-13"], "is not a month"),
        (["--partition", "next"], "neither a month such as 2026-11 nor a day"),
        (["--partition", "2999-01"], "lies in the future"),
        (["openrice", "--partition", "2019-01"], "lies before the first monthly one, 2026-01 (FIRST_MONTH)"),
        (["--partition", "2026-02"], "data_gov_hk"),
        (["--mode", "sometimes"], "Invalid value for '--mode'"),
    ],
)
def test_impossible_arguments_are_bad_usage(shell: Shell, arguments: list[str], message: str) -> None:
    done = shell.run_in_process("sync", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert not shell.home.exists()


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("BACKUP_RETENTION_DAYS", "a year", "BACKUP_RETENTION_DAYS='a year'"),
        ("OPENRICE_BASE_URL", "openrice.com", "OPENRICE_BASE_URL='openrice.com': must start with http"),
        ("OPENRICE_BASE_URL", "http://127.0.0.1:99999", "must name a host without blanks, and no port or one up to"),
        ("OPENRICE_BASE_URL", "https://", "must name a host without blanks, and no port or one up to"),
        ("OPENRICE_CONCURRENCY", "0", "OPENRICE_CONCURRENCY"),
        (
            "LEDGER",
            "mysql://me:hush@host/x",
            "LEDGER='mysql://me:***@host/x': must start with sqlite:/// or postgresql",
        ),
        ("FIRST_MONTH", "2026-13", "FIRST_MONTH='2026-13': must be a month such as 2026-01"),
        ("FIRST_MONTH", "2099-01", "must not lie in the future"),
        ("LANDING", "/somewhere", "LANDING='/somewhere': must start with file:// or s3://"),
        ("LAKE_DATA", "/lake//data", "LAKE_DATA='/lake//data': must not hold `//`"),
        ("PLATFORM_PATH", "/nowhere", "/nowhere is not a folder"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(
    shell: Shell, setting: str, value: str, message: str
) -> None:
    shell.environment[setting] = value
    done = shell.run_in_process("sync")
    assert done.returncode == 2
    assert message in done.stderr


def test_a_live_platform_is_refused_until_its_terms_are_accepted(shell: Shell) -> None:
    shell.environment["OPENRICE_BASE_URL"] = "https://www.openrice.com"
    done = shell.run_in_process("sync")
    assert done.returncode == 2
    assert "OPENRICE_TERMS_ACCEPTED=true" in done.stderr
    assert not shell.home.exists()


def test_a_past_month_that_was_never_landed_fails_for_a_platform_without_an_archive(shell: Shell) -> None:
    code, document = shell.sync("chope", "--partition", "2026-03")
    assert (code, document["status"]) == (1, "failed")
    assert "serves only the present" in document["platforms"][0]["reasons"][0]


def test_a_platform_that_is_down_stops_no_other_and_is_recorded(shell: Shell) -> None:
    shell.environment["OPENRICE_BASE_URL"] = "http://127.0.0.1:9"
    code, document = shell.sync("openrice", "chope")
    assert (code, document["status"]) == (1, "failed")
    states = {each["platform"]: each["status"] for each in document["platforms"]}
    assert states == {"openrice": "failed", "chope": "complete"}
    assert "http://127.0.0.1:9" in document["platforms"][0]["reasons"][0]
    assert shell.query("SELECT status FROM sync.runs WHERE platform = 'openrice'") == [{"status": "failed"}]


def test_a_lost_page_degrades_its_dataset_and_retires_nothing(shell: Shell, sandbox: Any) -> None:
    shell.environment |= sandbox().addresses("eatigo")
    assert shell.sync("eatigo")[0] == 0
    shell.environment |= sandbox("eatigo:truncated~page=2").addresses("eatigo")
    code, document = shell.sync("eatigo")
    assert (code, document["status"]) == (1, "degraded")
    promotions = datasets_of(document)["eatigo.promotions"]
    assert (promotions["status"], promotions["removed"]) == ("degraded", 0)
    assert promotions["not_retired"] > 0
    assert promotions["rows"] > 0
    reason = next(reason for reason in document["platforms"][0]["reasons"] if "promotions" in reason)
    assert "eatigo" in reason
    assert "page=2" in reason


def test_an_old_government_week_is_read_from_the_archive_and_the_present_stays(shell: Shell) -> None:
    assert shell.sync("data_gov_hk")[0] == 0
    asked = "SELECT source_id, name_en FROM data_gov_hk.licences WHERE removed_at IS NULL ORDER BY ALL"
    live = shell.query(asked)
    code, document = shell.sync("data_gov_hk", "--partition", "2026-10-07")
    assert (code, document["platforms"][0]["partition"]) == (0, "2026-10-05")
    run = shell.query("SELECT observed_at::DATE::VARCHAR AS day, rows FROM sync.runs WHERE partition = '2026-10-05'")
    assert "2026-10-09" <= run[0]["day"] <= "2026-10-11"
    assert shell.query(asked) == live
    early = shell.query("SELECT count(*) AS n FROM data_gov_hk.licences WHERE first_seen_at < '2026-10-12'")
    assert early[0]["n"] == run[0]["rows"]


def test_a_killed_sync_does_not_block_the_next(shell: Shell, sandbox: Any) -> None:
    shell.environment |= sandbox("chope:slow=30~reservations").addresses("chope")
    process = shell.start("sync", "--no-unify", "chope", "--json")
    wait_until(lambda: (shell.home / "turns" / "chope.holder").exists(), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(shell.unfinished_runs()) == 1
    shell.environment |= sandbox().addresses("chope")
    code, document = shell.sync("chope")
    assert (code, document["status"]) == (0, "complete")
    assert shell.unfinished_runs() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sync_ends_at_once_and_reports_it(number: signal.Signals, shell: Shell, sandbox: Any) -> None:
    shell.environment |= sandbox("chope:slow=30").addresses("chope")
    process = shell.start("sync", "--no-unify", "chope")
    wait_until(lambda: (shell.home / "turns" / "chope.holder").exists(), process)
    process.send_signal(number)
    done = process.wait(LONGEST_WAIT_S)
    assert done.returncode == 130
    assert "sync-platform: cancelled" in done.stderr
    assert "Traceback" not in done.stderr
    assert shell.run_states() == ["CANCELED"]
    assert '"interrupted"' in shell.run_in_process("audit", "--operation", "sync", "--json").stdout


def test_an_interruption_before_the_sync_begins_is_reported_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(sync, "sync_platforms", interrupted)
    assert run(["sync"]) == 130
    assert capsys.readouterr().err == "sync-platform: cancelled: nothing is half-written\n"


def test_a_full_disk_is_reported_in_one_line(shell: Shell) -> None:
    assert shell.sync("chope")[0] == 0
    # Python 3.11 takes a short write of a .pyc for a whole one: its own library would stay broken (gh-126606)
    shell.environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    process = shell.start_interpreter("sync", "--no-unify", "chope")
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (150_000, 150_000))  # the run's own records take more
    output, errors = process.communicate(timeout=LONGEST_WAIT_S)
    assert process.returncode == 1
    assert f"chope failed: Dagster's records in {shell.home / 'dagster'} cannot be used: " in output
    (line,) = errors.splitlines()
    assert line.startswith("chope        failed: ")
    assert shell.sync("chope")[0] == 0


def test_a_home_that_cannot_be_written_is_named(shell: Shell) -> None:
    shell.home.write_text("a file where the folder should be")
    done = shell.run("sync")
    assert done.returncode == 1
    assert f"SYNC_HOME='{shell.home}' cannot be written" in done.stderr


def test_a_home_on_a_full_disk_asks_for_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(StorageError, match="cannot be written: .*: No space left on device: free some space there"):
        prepare_home(tmp_path)


def test_a_platform_file_in_a_folder_of_platform_path_is_a_platform(shell: Shell, tmp_path: Path) -> None:
    from sync_platform_tests.cli.extra_platform import PLATFORM_FILE, served

    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "tables.py").write_text(PLATFORM_FILE)
    with served([{"table": 1, "name": "Window"}, {"table": 2, "name": "窗邊"}]) as url:
        shell.environment |= {"PLATFORM_PATH": str(tmp_path / "extra"), "TABLES_BASE_URL": url}
        code, document = shell.sync("tables")
        assert (code, document["status"]) == (0, "complete")
        assert shell.query("SELECT source_id, name FROM tables.seats ORDER BY 1") == [
            {"source_id": "1", "name": "Window"},
            {"source_id": "2", "name": "窗邊"},
        ]
        assert "tables" in shell.run("platforms").stdout


def test_a_real_shrink_is_refused_with_the_rows_named_until_an_operator_accepts_it(shell: Shell) -> None:
    shell.sync("chope")
    shell.environment["SANDBOX_PLACES"] = "30"
    code, document = shell.sync("chope")
    refused = datasets_of(document)["chope.restaurants"]
    assert (code, document["status"], refused["removed"]) == (1, "degraded", 0)
    assert refused["not_retired"] == len(refused["not_retired_ids"]) > 0
    assert any("--accept-shrink" in reason for reason in document["platforms"][0]["reasons"])
    assert shell.run_in_process("sync", "chope", "--accept-shrink", " ").returncode == 2  # without a reason
    shell.environment["CHOPE_SHRINK_TOLERANCE"] = "0"  # an operator's acceptance overrides a smaller tolerance
    code, document = shell.sync("chope", "--accept-shrink", "half of the city closed")
    accepted = datasets_of(document)["chope.restaurants"]
    assert (code, accepted["removed"]) == (0, refused["not_retired"])
    kept = shell.query("SELECT DISTINCT shrink_accepted FROM sync.runs WHERE removed > 0")
    assert kept == [{"shrink_accepted": "half of the city closed"}]
