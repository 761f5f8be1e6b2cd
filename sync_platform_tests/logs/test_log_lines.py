"""Log lines: their fields, their origin, and what they never contain."""

from __future__ import annotations

import logging
import re
import sys
import threading
import warnings

import pytest

from sync_platform.cli.monitoring.watch_output import WatchOutput
from sync_platform.errors import StorageError
from sync_platform.logs.configuration import configure_logging, line_handler
from sync_platform.logs.crash import crash_reported
from sync_platform.logs.log_context import begin_operation, log_context, logging_as
from sync_platform.logs.relay import relay
from sync_platform.monitoring.alert_outbox import Delivery
from sync_platform.monitoring.watch_round import WatchRound
from sync_platform.setting_groups.log_settings import LogSettings
from sync_platform.settings import SettingsError, load_log_settings, load_settings
from sync_platform_tests.logs.conftest import Written
from sync_platform_tests.monitoring.alerting import problem
from sync_platform_tests.monitoring.dagster_records import NOW

FIELDS = ["time", "level", "logger", "message", "run_id", "platform", "trace_id", "environment"]
logger = logging.getLogger("sync_platform.somewhere")
PERSON = "Wong Siu-ming, 9123 4567"


def test_every_line_has_the_same_fields(written: Written) -> None:
    logger.info("%d pages", 3)
    with logging_as(run_id="b1e7", platform="chope"):
        logger.warning("slow")
    first, second = written.lines
    assert list(first) == list(second) == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    assert (first["level"], first["logger"], first["message"]) == ("INFO", "sync_platform.somewhere", "3 pages")
    assert (first["run_id"], first["platform"], first["environment"]) == (None, None, "staging")
    assert (second["run_id"], second["platform"]) == ("b1e7", "chope")


def test_all_lines_of_an_operation_have_its_trace_id_also_those_of_its_threads(written: Written) -> None:
    logger.info("one")
    thread = threading.Thread(target=logger.info, args=("two",))
    thread.start()
    thread.join()
    with logging_as(trace_id="another"):
        logger.info("three")
    traces = [line["trace_id"] for line in written.lines]
    assert traces == [log_context().trace_id, log_context().trace_id, "another"]


def test_an_operation_that_begins_after_a_block_has_ended_has_its_own_trace_id(written: Written) -> None:
    with logging_as(platform="chope"):
        logger.info("one")
    begin_operation()
    logger.info("two")
    one, two = written.lines
    assert one["trace_id"] != two["trace_id"]


def test_the_lines_of_a_watch_that_stays_are_log_lines(
    written: Written, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", written.standard_error)
    output, failed = WatchOutput(as_json=False), problem()
    output.write_start(60, load_settings())
    for problems in ((failed,), (failed,), ()):
        output.write_changes(WatchRound(NOW, problems, (), Delivery(()), ()))
    output.write_end()
    lines = [(line["level"], line["message"]) for line in written.lines]
    assert lines[0][0] == "INFO" and lines[0][1].startswith("a round every 60 seconds over ")
    assert lines[1:] == [
        ("CRITICAL", f"begins  {failed.cause}  {failed.what}"),
        ("INFO", f"ends    {failed.cause}"),
        ("INFO", "the watch ends"),
    ]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "message",
    [
        "the secret is hush/hush-4711",
        "https://keeta.example/a?app_secret=hush%2Fhush-4711&page=2",
        "https://keeta.example/a?access_token=abc123&page=2",
        "postgresql://sync:abc123@db/ledger",
        "password=abc123 is wrong",
        "Authorization: Bearer abc123.def",
    ],
)
def test_no_line_has_a_secret(message: str, written: Written) -> None:
    logger.debug(message)
    assert "***" in written.lines[0]["message"]
    assert not re.search("hush|abc123", written.text)


def test_an_id_and_an_ordinary_address_stay_as_they_are(written: Written) -> None:
    message = "https://chope.example/restaurants?page=2&code=hk-17 answered 500; run 4fe3"
    logger.info(message)
    assert written.lines[0]["message"] == message


def test_a_crash_is_one_critical_line_with_its_stack_and_no_value(written: Written) -> None:
    def read(guest: str) -> None:
        try:
            int(guest)
        except ValueError as cause:
            raise KeyError(guest) from cause

    try:
        read(PERSON)
    except KeyError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    (line,) = written.lines
    assert (line["level"], line["message"]) == ("CRITICAL", "unexpected KeyError ended the program")
    assert re.search(r"^sync_platform_tests/logs/test_log_lines\.py:\d+ in read$", line["stack"], re.MULTILINE)
    assert line["stack"].endswith("KeyError") and "ValueError" in line["stack"]
    assert "Wong" not in written.text


def test_a_forked_process_reports_its_crash_once_and_ends_with_1(written: Written) -> None:
    with pytest.raises(SystemExit) as ended, crash_reported():
        int(PERSON)
    assert ended.value.code == 1
    assert written.messages("CRITICAL") == ["unexpected ValueError ended the program"]


def test_the_crash_of_a_thread_is_logged_like_any_other(written: Written) -> None:
    thread = threading.Thread(target=int, args=(PERSON,))
    thread.start()
    thread.join()
    assert written.messages("CRITICAL") == ["unexpected ValueError ended the program"]
    assert "Wong" not in written.text


def test_the_text_of_an_error_that_names_only_things_of_the_program_is_logged(written: Written) -> None:
    try:
        raise StorageError("/data/lake cannot be written: Read-only file system")
    except StorageError:
        logger.exception("no backup")
    assert written.lines[0]["stack"].endswith("StorageError: /data/lake cannot be written: Read-only file system")


def test_what_is_written_to_standard_error_is_a_log_line_too(written: Written) -> None:
    written.standard_error.write("chope   12 rec")
    written.standard_error.write("ords\n\nchope   complete\n")
    warnings.warn("old setting", stacklevel=1)
    progress = [line["message"] for line in written.lines if line["logger"] == "sync_platform.stderr"]
    assert progress == ["chope   12 records", "chope   complete"]
    assert len(written.messages("WARNING")) == 1 and "old setting" in written.messages("WARNING")[0]


def test_libraries_log_only_warnings_whatever_the_level(written: Written) -> None:
    for name in ("httpx", "httpcore", "sqlalchemy.engine", "botocore.auth"):
        logging.getLogger(name).debug("headers, parameters")
        logging.getLogger(name).info("SELECT 'Wong'")
        logging.getLogger(name).warning("pool is full")
    assert [line["message"] for line in written.lines] == ["pool is full"] * 4


def test_a_text_with_half_a_surrogate_or_a_line_break_is_one_line(written: Written) -> None:
    handler = line_handler()
    assert handler is not None
    # not through the logger: pytest would capture the text, and its workers cannot send it
    handler.handle(logging.LogRecord(logger.name, logging.INFO, __file__, 1, "茶\ud83d餐\n廳", None, None))
    assert written.lines[0]["message"] == "茶\\ud83d餐\n廳"


def test_a_line_that_cannot_be_written_is_lost_and_ends_nothing(written: Written) -> None:
    written.stream.close()
    logger.error("nobody reads this")


def test_output_of_another_program_becomes_log_lines(written: Written) -> None:
    handler = line_handler()
    assert handler is not None
    ours = '{"time":"2026-11-28T01:02:03.004Z","level":"ERROR","message":"x","trace_id":"t"}'
    line_of_dagster = '{"event":"Launched 1 runs.","logger":"dagster.daemon","level":"warning","timestamp":"2026"}'
    relay([f"{ours}\n", f"{line_of_dagster}\n", "plain password=abc123\n", "[1, 2]\n", "\n"], handler, "dagster")
    first, second, third, fourth = written.lines
    assert first == {"time": "2026-11-28T01:02:03.004Z", "level": "ERROR", "message": "x", "trace_id": "t"}
    assert (second["level"], second["logger"], second["message"]) == ("WARNING", "dagster.daemon", "Launched 1 runs.")
    assert (third["level"], third["logger"], third["message"]) == ("INFO", "dagster", "plain password=***")
    assert fourth["message"] == "[1, 2]"


def test_as_text_no_line_is_written_unless_a_level_is_set(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", written.stream)
    configure_logging(LogSettings(log_format="text", log_level=""))
    logger.error("not shown")
    assert (line_handler(), written.text) == (None, "")
    configure_logging(LogSettings(log_format="text", log_level="INFO"))
    with logging_as(run_id="b1e7c0de", platform="chope"):
        logger.info("shown\x1b")
        logger.debug("not shown")
    assert re.fullmatch(r"\S+Z INFO sync_platform\.somewhere \[chope run b1e7c0de\] shown\\x1b\n", written.text), (
        written.text
    )


def test_the_settings_are_read_in_any_case_and_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "JSON")
    monkeypatch.setenv("LOG_LEVEL", "warning")
    assert (load_log_settings().log_format, load_log_settings().log_level) == ("json", "WARNING")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(SettingsError, match="LOG_LEVEL='LOUD'"):
        load_log_settings()
