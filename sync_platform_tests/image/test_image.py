"""The built image: what is in it, what is not, and that it works closed. `make image-check` builds it and runs this.

IMAGE_ARCHIVE names the file of the image; without it everything here but the judges themselves is skipped, and said so.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from dotenv import dotenv_values

from sync_platform_tests.image.container import run_closed
from sync_platform_tests.image.image_archive import ImageArchive
from sync_platform_tests.image.secret_scan import known_secrets, secrets_in
from sync_platform_tests.image.structure import broken_points, number_of_points
from sync_platform_tests.services import NOT_TESTED
from sync_platform_tests.tree import ROOT

POINTS = ROOT / "infrastructure" / "image" / "structure-test.yaml"
PLATFORMS = ("data_gov_hk", "chope")


def points() -> dict[str, Any]:
    return dict(yaml.safe_load(POINTS.read_text()))


@pytest.fixture(scope="module")
def image() -> ImageArchive:
    file = os.environ.get("IMAGE_ARCHIVE")
    if not file:
        pytest.skip(f"the image {NOT_TESTED}: IMAGE_ARCHIVE names no archive of it (make image-check)")
    return ImageArchive(Path(file))


@pytest.fixture(scope="module")
def bundle(image: ImageArchive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "rootfs").mkdir()
    image.unpack(folder / "rootfs")
    return folder


def test_the_python_that_the_build_runs_works_with_the_program_of_today() -> None:
    (code,) = re.findall(r'python -c "(.*?)"', (ROOT / "Dockerfile").read_text(), flags=re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code.replace("\\\n", "")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.full
def test_the_image_meets_every_point_of_its_structure_test(image: ImageArchive) -> None:
    assert number_of_points(points()) > 15
    assert broken_points(points(), image) == []


@pytest.mark.full
def test_no_layer_and_no_line_of_the_history_has_a_secret(image: ImageArchive) -> None:
    """Neither one in a usual form, nor a secret of the environment in which the image is checked, nor one of `.env`."""
    settings = {name: value or "" for name, value in dotenv_values(ROOT / ".env").items()}
    assert secrets_in(image, known_secrets({**os.environ, **settings})) == []


@pytest.mark.full
def test_the_image_syncs_without_a_writable_root_capabilities_or_a_network(
    image: ImageArchive, bundle: Path, tmp_path: Path
) -> None:
    variables = {"SANDBOX_PLACES": "40", "LOG_FORMAT": "json"}

    def output(*command: str) -> tuple[int, str]:
        done = run_closed(bundle, image.config, list(command), variables, tmp_path / "state")
        return done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr

    code, printed = output("sync-platform", "sync", *PLATFORMS, "--json")
    assert code == 0, printed
    assert {each["platform"]: each["status"] for each in orjson.loads(printed)["platforms"]} == dict.fromkeys(
        PLATFORMS, "complete"
    )
    code, printed = output("sh", "-c", "id -u; grep -E '^Cap(Eff|Bnd)' /proc/self/status; touch /opt/x")
    assert code != 0 and "Read-only file system" in printed
    assert printed.split()[0] == "10001"
    assert printed.count("0000000000000000") == 2
    assert (
        "Network is unreachable"
        in output("python3", "-c", "import socket; socket.create_connection(('1.1.1.1', 1))")[1]
    )


@pytest.fixture
def small_image(tmp_path: Path) -> Iterator[ImageArchive]:
    """An image with a secret in a lower layer that a higher one deletes, and one in its history."""
    key = b"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49\n"
    lower = layer(
        {"opt/program": (b"#!/bin/sh", 0o755), "root/.ssh/id": (key, 0o600), "etc/passwd": (b"sync:x:1", 0o644)}
    )
    upper = layer({"root/.ssh/.wh.id": (b"", 0o644), "opt/settings": (b"A=planted-value", 0o644)})
    config = {"config": {"User": "1:1", "Env": ["A=b"]}, "history": [{"created_by": "ENV T=AKIAABCDEFGHIJKLMNOP"}]}
    manifest = [{"Config": "c.json", "Layers": ["1.tar", "2.tar"]}]
    contents = {"manifest.json": orjson.dumps(manifest), "c.json": orjson.dumps(config), "1.tar": lower, "2.tar": upper}
    file = tmp_path / "image.tar"
    file.write_bytes(layer({name: (content, 0o644) for name, content in contents.items()}))
    yield ImageArchive(file)


def layer(files: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, (content, mode) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, BytesIO(content))
    return buffer.getvalue()


def test_a_secret_is_found_in_a_file_that_a_higher_layer_deletes_and_in_the_history(small_image: ImageArchive) -> None:
    known = known_secrets({"A_TOKEN": "planted-value", "HOME": "planted", "SHORT_KEY": "b", "KEY_FILE": "/x/planted"})
    assert list(known) == ["A_TOKEN"]
    assert secrets_in(small_image, known) == [
        "/root/.ssh/id: private key",
        "/opt/settings: the value of A_TOKEN",
        "configuration and history: access key of AWS",
    ]


def test_each_kind_of_point_that_an_image_does_not_meet_is_named(small_image: ImageArchive) -> None:
    document = {
        "metadataTest": {"user": "2:2", "workdir": "", "envVars": [{"key": "A", "value": "c"}]},
        "fileExistenceTests": [
            {"name": "program", "path": "/opt/program", "shouldExist": True, "isExecutableBy": "any"},
            {"name": "deleted", "path": "/root/.ssh/id", "shouldExist": True},
            {"name": "settings", "path": "/opt/settings", "shouldExist": True, "isExecutableBy": "any", "uid": 7},
        ],
        "fileContentTests": [{"name": "user", "path": "/etc/passwd", "expectedContents": ["sync:x", "nologin"]}],
    }
    assert broken_points(document, small_image) == [
        "A is 'b', not 'c'",
        "user is '1:1', not '2:2'",
        "deleted: /root/.ssh/id is missing",
        "settings: /opt/settings is not executable by any",
        "settings: /opt/settings has the uid 0",
        "user: /etc/passwd has no 'nologin'",
    ]
