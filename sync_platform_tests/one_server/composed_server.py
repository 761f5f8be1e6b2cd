"""One server as the compose file starts it, with a certificate of a CA of its own.

What belongs here: starting its containers, reaching them, and removing them. Their images must be there: that of
`make image`, and one of Caddy, which CADDY_IMAGE names. COMPOSE is the command: `podman-compose`, or `docker compose`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
import yaml

from sync_platform_tests.certificates import Authority, certificate_authority
from sync_platform_tests.cli.conftest import TODAY
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.one_server.site_client import SITE, SiteClient
from sync_platform_tests.services import NOT_TESTED
from sync_platform_tests.tree import ROOT

FOLDER = ROOT / "infrastructure" / "one-server"
FILES = ("compose.yaml", "Caddyfile", "environment.example")
IMAGE = f"sync-platform:{version('sync-platform')}"
CADDY_IMAGE = os.environ.get("CADDY_IMAGE", "docker.io/library/caddy:2.11.7")
COMPOSE = os.environ.get("COMPOSE", "podman-compose").split()
ENGINE = "docker" if COMPOSE[0] == "docker" else "podman"
CERTIFICATES = "/etc/caddy/certificates"
SETTINGS = {
    "SANDBOX_PLACES": "40",
    "SANDBOX_TODAY": TODAY,
    "PLATFORMS_IN_USE": "chope,eatigo,data_gov_hk",
    "HTTP_ATTEMPTS": "3",
}


@dataclass(frozen=True)
class ComposedServer:
    """The containers, which are named after the folder of the compose file."""

    folder: Path
    authority: Authority

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of compose; the test fails with its output where it fails."""
        files = ("-f", "compose.yaml", "-f", "compose.override.yaml")
        done = subprocess.run(
            [*COMPOSE, "--project-name", self.folder.name, *files, *arguments],
            cwd=self.folder,
            env={**os.environ, "SITE": SITE, "CADDY_IMAGE": CADDY_IMAGE, "TLS_FILES": _tls_files()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    def run(self, service: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the container of a service."""
        return self.compose("exec", "-T", service, *command, check=check)

    def client(self, *, knows_authority: bool = True) -> SiteClient:
        return SiteClient("127.0.0.1", self.authority if knows_authority else None)

    def is_ready(self) -> bool:
        with self.client() as client:
            try:
                return client.get("/readyz").status_code == 200
            except httpx.TransportError:
                return False

    def wait_for(self, is_so: Callable[[], object]) -> None:
        """Wait until it is so; the test fails with the logs of the containers where it never is."""
        limit = time.monotonic() + LONGEST_WAIT_S
        while not is_so():
            assert time.monotonic() < limit, f"the expected state was not reached:\n{self.compose('logs').stdout}"
            time.sleep(0.5)


@contextmanager
def composed_server(folder: Path) -> Iterator[ComposedServer]:
    """A server of containers that have been started. Skips, and says so, where an image or compose is missing."""
    _require_images()
    for name in FILES:
        shutil.copy(FOLDER / name, folder)
    example = (folder / "environment.example").read_text()
    (folder / "environment").write_text(example + "".join(f"{name}={value}\n" for name, value in SETTINGS.items()))
    authority = certificate_authority(folder / "authority")
    authority.sign_into(folder / "certificates", SITE)
    caddy = {"volumes": [f"./certificates:{CERTIFICATES}:ro"]}
    (folder / "compose.override.yaml").write_text(yaml.safe_dump({"services": {"caddy": caddy}}))
    server = ComposedServer(folder, authority)
    try:
        server.compose("up", "--detach")
        yield server
    finally:
        server.compose("down", "--volumes", check=False)


def _tls_files() -> str:
    return f"{CERTIFICATES}/certificate.pem {CERTIFICATES}/key.pem"


def _require_images() -> None:
    if shutil.which(COMPOSE[0]) is None:
        pytest.skip(f"the compose file {NOT_TESTED}: there is no {COMPOSE[0]} (pip install podman-compose)")
    for image in (IMAGE, CADDY_IMAGE):
        found = subprocess.run([ENGINE, "image", "inspect", image], capture_output=True, check=False)
        if found.returncode != 0:
            pytest.skip(f"the compose file {NOT_TESTED}: {ENGINE} has no image {image} (make image, CADDY_IMAGE)")
