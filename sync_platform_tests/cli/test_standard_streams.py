"""Standard output that is full, closed, or a pipe whose reader has enough: it is named, and nothing else is blamed."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from sync_platform.cli.app import run
from sync_platform.cli.standard_streams import WrittenStream
from sync_platform_tests.cli.conftest import ROOT, Shell
from sync_platform_tests.cli.test_listings import LISTINGS
from sync_platform_tests.warm import started

FULL = "sync-platform: standard output cannot be written: No space left on device\n"
CLOSED = "sync-platform: standard output cannot be written: it is closed\n"
REVIEWS = ("query", "FROM openrice.reviews", "--format")
FEW = ("tables", "audit", "quality", "lineage verify")


@pytest.mark.parametrize("arguments", [LISTINGS[name] for name in FEW] + [("--help",), ("--version",)])
def test_a_full_disk_behind_standard_output_is_not_the_lake(
    synced: Shell, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    for name, value in synced.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(synced.home.parent)
    errors = io.StringIO()
    with Path("/dev/full").open("wb") as full, redirect_stderr(errors):
        output = io.TextIOWrapper(io.BufferedWriter(WrittenStream(full.fileno())), "utf-8")
        with redirect_stdout(output):
            assert run(list(arguments)) == 1
        output.close()
    assert errors.getvalue() == FULL


@pytest.mark.parametrize("form", ["csv", "json", "parquet", "table"])
def test_a_query_ends_with_its_output(synced: Shell, form: str) -> None:
    assert ended(synced, "full", *REVIEWS, form) == (1, FULL)
    assert ended(synced, "closed", *REVIEWS, form) == (1, CLOSED)
    assert ended(synced, "nobody", *REVIEWS, form) == (141, "")


def test_a_message_that_nobody_can_read_changes_no_exit_code(shell: Shell) -> None:
    assert ended(shell, "no messages", "query", "INSERT") == (2, "")
    assert ended(shell, "no input", "query", "-")[0] == 2


def test_a_pipe_at_dev_stdout_is_written_to(synced: Shell, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    out = f"/proc/{os.getpid()}/fd/{writer}"
    assert synced.run_in_process("query", "SELECT 1 AS n", "--format", "csv", "--out", out).returncode == 0
    assert os.read(reader, 100) == b"n\n1\n"


def test_a_reader_that_is_slow_gets_everything(pipe: tuple[int, int]) -> None:
    """Another program may have made the pipe one that does not block."""
    reader, writer = pipe
    os.set_blocking(writer, False)
    with ThreadPoolExecutor(1) as threads, os.fdopen(os.dup(reader), "rb") as file:
        read = threads.submit(file.read, 1_000_000)
        with io.BufferedWriter(WrittenStream(writer)) as output:
            for _ in range(1000):
                output.write(b"x" * 1000)
        assert len(read.result()) == 1_000_000


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def ended(shell: Shell, state: str, *arguments: str) -> tuple[int, str]:
    """The exit code and the messages of a command whose streams are in that state."""
    (process,) = started(1, _run_with_streams, (state, arguments, shell.home.parent), shell.variables())
    done = process.wait()
    return done.returncode, done.stderr


def _run_with_streams(state: str, arguments: tuple[str, ...], folder: Path, _: int) -> None:
    os.chdir(folder)
    match state:
        case "full":
            os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
        case "closed":
            os.close(1)
            sys.stdout = None  # type: ignore[assignment]  # so is it in a new interpreter
        case "nobody":
            reader, writer = os.pipe()
            os.dup2(writer, 1)
            os.close(reader)
        case "no messages":
            os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
        case "no input":
            os.close(0)
            sys.stdin = None  # type: ignore[assignment]
    from sync_platform.cli.app import main

    sys.argv = [str(ROOT / "sync-platform"), *arguments]
    main()
