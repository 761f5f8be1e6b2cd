"""Programs run in processes of their own that are forked from one with the libraries imported already.

What belongs here: paying once for what other people's libraries cost to import, 1 to 2 s of each process. Only theirs:
our own modules are imported by every process anew, in the order in which it comes to them, as they are for a person.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tempfile
from functools import cache
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path

LIBRARIES = """
    alembic.command boto3 cryptography.hazmat.primitives.ciphers.aead dagster dagster.components dagster_pandas
    dagster._core.storage.event_log.sqlite dagster._core.storage.runs.sqlite dagster._core.storage.sqlite_storage
    duckdb filelock httptools httpx lxml.etree msgspec numpy opencc orjson pandas pandera.polars phonenumbers polars
    pyarrow.dataset pydantic_settings rapidfuzz rich.console rich.live rich.table splink sqlalchemy.dialects.sqlite
    sqlalchemy.dialects.postgresql dagster_aws.s3 psycopg tenacity ToJyutping typer upath uvicorn zstandard pytest
"""


def completed(
    module: str, arguments: tuple[str, ...], folder: Path, environment: dict[str, str], timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """What `python -m module` did with the arguments, in the folder and with nothing but that environment."""
    with tempfile.TemporaryDirectory() as place:
        told = (Path(place) / "output", Path(place) / "errors")
        process = _forking().Process(target=_become, args=(module, arguments, folder, environment, *told))
        process.start()
        process.join(timeout_s)
        if process.is_alive():
            process.kill()
            raise subprocess.TimeoutExpired([module, *arguments], timeout_s)
        assert process.exitcode is not None
        return subprocess.CompletedProcess(arguments, process.exitcode, *(path.read_text() for path in told))


@cache
def _forking() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES.split())
    return context


def _become(
    module: str, arguments: tuple[str, ...], folder: Path, environment: dict[str, str], output: Path, errors: Path
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for path, number in ((output, 1), (errors, 2)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
