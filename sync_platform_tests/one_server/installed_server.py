"""One server, installed on a machine with systemd by the very commands of docs/deploy.md, with Caddy in front of it.

What belongs here: installing it, and reaching it through Caddy. PostgreSQL and S3 are on another host.
"""

from __future__ import annotations

import re
import shlex
import shutil
import site
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync_platform_tests.certificates import Authority, certificate_authority
from sync_platform_tests.cli.conftest import TODAY
from sync_platform_tests.fleet.hosts import hosts
from sync_platform_tests.installations import fleet_settings
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.one_server.machine import Machine, running_machine
from sync_platform_tests.one_server.site_client import SITE, SiteClient
from sync_platform_tests.services import postgres_server_at, s3_server_at
from sync_platform_tests.tree import ROOT

NETWORK = "10.99.78"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
OWN_PYTHON, OWN_PACKAGES, SOURCE = "/opt/python", "/opt/packages", "/srv/source"
PROGRAM = "/opt/sync-platform/bin/sync-platform"
STATE, STATE_SIZE = "/var/lib/sync-platform", "256m"
SOURCES = ("README.md", "pyproject.toml", "setup.cfg", "requirements-fleet.lock")
UNITS = ("code-server", "daemon", "starter", "watch", "web")
SETTINGS = "# write your settings"
"""The line of the page at which an operator writes settings."""
LOCKED = "--require-hashes"
"""The line of the page that needs an index of packages. The tests' own packages are used instead."""


@dataclass(frozen=True)
class InstalledServer:
    """The machine, the settings of the server in it, and the authority whose certificate Caddy shows."""

    machine: Machine
    settings: dict[str, str]
    authority: Authority

    def program(self, *arguments: str) -> str:
        """The output of a command of the program, run as the page about deployment says."""
        command = documented_commands("systemd-run")[0].partition(PROGRAM)[0]
        return self.machine.run(f"{command} {PROGRAM} {shlex.join(arguments)}").stdout

    def show_certificate(self, *, days_left: int) -> None:
        """Put a new certificate of the site where Caddy reads it when it starts."""
        certificate, key = self.authority.sign(SITE, days_left=days_left)
        self.machine.write("/etc/caddy/certificate.pem", certificate)
        self.machine.run("install -m 0640 -g caddy /dev/stdin /etc/caddy/key.pem", text=key)

    def is_ready(self) -> bool:
        with self.client() as client:
            return client.get("/readyz").status_code == 200

    def wait_for(self, is_so: Callable[[], object]) -> None:
        """Wait until it is so; the test fails with the journal of the machine where it never is."""
        limit = time.monotonic() + LONGEST_WAIT_S
        while not is_so():
            assert time.monotonic() < limit, f"the expected state was not reached:\n{self.machine.journal()}"
            time.sleep(0.5)

    def client(self, *, knows_authority: bool = True, newest: ssl.TLSVersion | None = None) -> SiteClient:
        return SiteClient(self.machine.host.place.address, self.authority if knows_authority else None, newest)


def documented_commands(first: str) -> list[str]:
    """The commands of the block of docs/deploy.md that begins with this word; comments stay."""
    text = (ROOT / "docs" / "deploy.md").read_text().partition("## One server")[2]
    (block,) = re.findall(rf"^```\n({first} .*?)^```$", text.partition("\n## ")[0], flags=re.MULTILINE | re.DOTALL)
    return block.replace("\\\n", " ").splitlines()


@contextmanager
def installed_server(folder: Path) -> Iterator[InstalledServer]:
    """An installed server whose units have been started."""
    with ExitStack() as stack:
        made = stack.enter_context(hosts("services", "server", network=NETWORK))
        place = made["services"].place
        postgres = stack.enter_context(postgres_server_at(place))
        s3 = stack.enter_context(s3_server_at(place))
        settings = {
            **fleet_settings(postgres, s3),
            "SANDBOX_PLACES": "40",
            "SANDBOX_TODAY": TODAY,
            "PLATFORMS_IN_USE": "chope,eatigo,data_gov_hk",
            "HTTP_ATTEMPTS": "3",
            "LD_LIBRARY_PATH": f"{OWN_PYTHON}/lib",  # an interpreter names its library where the units see nothing
        }
        binds = {Path(sys.base_prefix): OWN_PYTHON, Path(site.getsitepackages()[0]): OWN_PACKAGES}
        binds[_source(folder)] = SOURCE
        machine = stack.enter_context(running_machine(made["server"], folder, binds))
        machine.run(f"mkdir {STATE} && mount -t tmpfs -o size={STATE_SIZE} tmpfs {STATE}")  # a disk that tests can fill
        authority = certificate_authority(folder / "authority")
        server = InstalledServer(machine, settings, authority)
        machine.run(f"cp -r {SOURCE} /tmp/source")  # pip writes beside what it builds
        for command in documented_commands("useradd"):
            _install(server, command)
        yield server


def _source(folder: Path) -> Path:
    source = folder / "source"
    shutil.copytree(ROOT / "sync_platform", source / "sync_platform", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "infrastructure", source / "infrastructure")
    for name in SOURCES:
        shutil.copy(ROOT / name, source)
    return source


def _install(server: InstalledServer, command: str) -> None:
    machine = server.machine
    if command.startswith(SETTINGS):
        lines = "".join(f"{name}={value}\n" for name, value in server.settings.items())
        machine.run("cat >> /etc/sync-platform/environment", text=lines)
        server.show_certificate(days_left=1)
        machine.run("sed -i 's/^#Environment/Environment/' /etc/systemd/system/caddy.service.d/sync-platform.conf")
    elif LOCKED in command:
        packages = f"/opt/sync-platform/lib/{PYTHON}/site-packages"
        machine.run("/opt/sync-platform/bin/pip uninstall --yes setuptools")  # the lock file has a newer one
        machine.write(f"{packages}/of_the_tests.pth", OWN_PACKAGES)
    elif command.startswith("#"):
        pytest.fail(f"an operator does what the test does not: {command}")
    else:
        command = command.replace("python3.11", PYTHON)
        machine.run(f"cd /tmp/source && bash -c {shlex.quote(command)}", path=f"{OWN_PYTHON}/bin")
