"""`backfill`: weeks of the register from an archive that lacks one, stopped and resumed."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.limits import LONGEST_WAIT_S

WEEKS = ["2026-09-28", "2026-10-05", "2026-10-12"]
SPAN = ("data_gov_hk", "--from", WEEKS[0], "--to", "2026-10-18")


class Archive:
    """The archive of a sandbox. It holds back the list of the second week until `is_open`, and the list is empty until
    `has_it`."""

    def __init__(self, sandbox_url: str) -> None:
        self.asked, self.is_open, self.has_it = threading.Event(), threading.Event(), False
        archive = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if "list-file-versions" in self.path and "start=20261005" in self.path and not archive.has_it:
                    archive.asked.set()
                    archive.is_open.wait()
                    self._answer(200, b'{"timestamps": []}')
                else:
                    self._answer(307, location=f"{sandbox_url}/data_gov_hk_archive{self.path}")

            def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @contextmanager
    def served(self) -> Iterator[Archive]:
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.is_open.set()
            self.server.shutdown()
            self.server.server_close()
            thread.join()


@pytest.fixture
def archive(shell: Shell, sandbox: Any) -> Iterator[Archive]:
    play = sandbox()
    with Archive(play.url).served() as archive:
        shell.environment |= {**play.addresses("data_gov_hk"), "DATA_GOV_HK_ARCHIVE_URL": archive.url}
        yield archive


def test_a_stopped_backfill_resumes_and_syncs_the_missing_week(shell: Shell, archive: Archive) -> None:
    process = shell.start("backfill", *SPAN)
    assert archive.asked.wait(LONGEST_WAIT_S)
    process.send_signal(signal.SIGINT)
    stopped = process.wait(LONGEST_WAIT_S)
    assert stopped.returncode == 130
    assert "data_gov_hk 2026-09-28 complete: " in stopped.stderr
    assert "cancelled after 1 of 3 periods; the same command resumes there" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert sorted(shell.run_states()) == ["CANCELED", "SUCCESS"]

    archive.is_open.set()
    done = shell.run("backfill", *SPAN)
    assert done.returncode == 1
    assert "data_gov_hk: 2 of 3 periods synced in " in done.stdout
    assert ", 1 were complete; " in done.stdout
    assert "2026-10-05 failed: data_gov_hk: the archive has no version in both languages" in done.stdout
    assert "data_gov_hk 2026-10-12 complete: " in done.stderr

    archive.has_it = True
    done = shell.run("backfill", *SPAN, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert (document["status"], document["complete_before"]) == ("complete", 2)
    assert [period["partition"] for period in document["periods"]] == [WEEKS[1]]

    observed = shell.query("SELECT partition FROM sync.runs WHERE status = 'complete' ORDER BY observed_at")
    assert [row["partition"] for row in observed] == WEEKS


@pytest.mark.parametrize(
    ("span", "message"),
    [
        (["data_gov_hk", "--from", "2026-10", "--to", "2026-09"], "--from 2026-10 lies after --to 2026-09"),
        (["data_gov_hk", "--from", "2022-10", "--to", "2022-11"], "lies before the first weekly one, 2023-01-02"),
        (["data_gov_hk", "--from", "spring"], "'spring' is neither a month"),
        (["rice", "--from", "2026-10"], "unknown platform rice"),
    ],
)
def test_an_impossible_span_is_bad_usage(shell: Shell, span: list[str], message: str) -> None:
    done = shell.run_in_process("backfill", *span)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert not shell.home.exists()
