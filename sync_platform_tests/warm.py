"""Programs run in processes of their own that are forked from one with the libraries imported already.

What belongs here: paying once for what other people's libraries cost to import, 1 to 2 s of each process. Only theirs:
our own modules are imported by every process anew, in the order in which it comes to them, as they are for a person.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

LIBRARIES = """
    alembic.command boto3 cryptography.hazmat.primitives.ciphers.aead dagster dagster.components dagster_pandas
    dagster._core.storage.event_log.sqlite dagster._core.storage.runs.sqlite dagster._core.storage.sqlite_storage
    duckdb filelock httptools httpx lxml.etree msgspec numpy opencc orjson pandas pandera.polars phonenumbers polars
    pyarrow.dataset pydantic_settings rapidfuzz rich.console rich.live rich.table splink sqlalchemy.dialects.sqlite
    sqlalchemy.dialects.postgresql dagster_aws.s3 psycopg tenacity ToJyutping typer upath uvicorn zstandard pytest
"""
SAID = {"output": 1, "errors": 2}


def completed(
    module: str, arguments: tuple[str, ...], folder: Path, environment: dict[str, str], timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """What `python -m module` did with the arguments, in the folder and with nothing but that environment."""
    (process,) = begun(1, _run_module, (module, arguments, folder, environment))
    return process.ended(timeout_s)


@dataclass
class Begun:
    """A process, and the folder in which it writes what it says."""

    process: BaseProcess
    folder: Path

    def ended(self, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """How it ended, and what it said."""
        self.process.join(timeout_s)
        if self.process.is_alive():
            self.process.kill()
            raise subprocess.TimeoutExpired(self.process.name, timeout_s)
        assert self.process.exitcode is not None
        output, errors = ((self.folder / name).read_text() for name in SAID)
        shutil.rmtree(self.folder)
        return subprocess.CompletedProcess(self.process.name, self.process.exitcode, output, errors)


def begun(count: int, program: Callable[..., None], arguments: tuple[Any, ...]) -> list[Begun]:
    """So many processes that call `program`, a function of a module, with the arguments and their number from 0."""
    found = []
    for number in range(count):
        folder = Path(tempfile.mkdtemp())
        process = forking().Process(target=_say_in, args=(folder, program, *arguments, number))
        process.start()
        found.append(Begun(process, folder))
    return found


@cache
def forking() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES.split())
    return context


def _say_in(folder: Path, program: Callable[..., None], *arguments: Any) -> None:
    for name, number in SAID.items():
        with (folder / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    program(*arguments)


def _run_module(
    module: str, arguments: tuple[str, ...], folder: Path, environment: dict[str, str], number: int
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
