"""A release: one version everywhere, and a wheel that works where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import site
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from zipfile import ZipFile

import orjson
import pytest

from sync_platform import __version__
from sync_platform_tests.cli.released_home import RELEASED_HOMES
from sync_platform_tests.infrastructure.chart import CHART
from sync_platform_tests.tree import ROOT

STATED = {
    "pyproject.toml": r'^version = "(.+)"$',
    "CHANGELOG.md": r"^## (\d\S*)",
    "Dockerfile": r"^ARG VERSION=(.+)$",
    "docs/openapi.json": r'^  "version": "(.+)"$',
    "infrastructure/helm/sync-platform/Chart.yaml": r'^(?:version|appVersion): "?([^"]+)"?$',
    "infrastructure/k8s/microservices-deployments.yaml": r"image: sync-platform:(.+)$",
    "infrastructure/one-server/compose.yaml": r"image: sync-platform:\$\{VERSION:-(.+)\}$",
}
"""Where the version is stated, and how; of the CHANGELOG, the newest section."""
RELEASED = ("Makefile", "README.md", "pyproject.toml", "setup.cfg", "requirements-fleet.lock")


@pytest.mark.parametrize("file, pattern", STATED.items())
def test_every_file_that_states_the_version_states_this_one(file: str, pattern: str) -> None:
    found = re.findall(pattern, (ROOT / file).read_text(), flags=re.MULTILINE)
    assert found, f"{file} does not state a version any more"
    assert {found[0]} if file == "CHANGELOG.md" else {*found} == {__version__}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make release` makes, of a copy of the sources, where no builder of images is at hand."""
    source = tmp_path_factory.mktemp("source")
    for name in RELEASED:
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "sync_platform", source / "sync_platform", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHART, source / CHART.relative_to(ROOT))
    shutil.copytree(RELEASED_HOMES, source / RELEASED_HOMES.relative_to(ROOT))
    own = f"BIN={Path(sys.executable).parent}"
    command = ["make", "--old-file=.venv/.installed-dev", "release", own, "BUILDER=none-at-hand"]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert (done.returncode, "No image was built" in done.stdout) == (0, True), done.stderr
    return source / "dist"


@pytest.mark.full  # the wheel takes seconds
def test_a_release_has_a_wheel_a_chart_and_an_sbom_of_one_version(dist: Path) -> None:
    wheel = f"sync_platform-{__version__}-py3-none-any.whl"
    sbom = f"sync-platform-{__version__}.cdx.json"
    assert {each.name for each in dist.iterdir()} == {wheel, sbom, f"sync-platform-{__version__}.tgz", "SHA256SUMS"}
    tracked = subprocess.run(["git", "ls-files", "sync_platform"], cwd=ROOT, capture_output=True, text=True, check=True)
    packed = {name for name in ZipFile(dist / wheel).namelist() if name.startswith("sync_platform/")}
    assert {*tracked.stdout.splitlines()} - packed == set()
    document = orjson.loads((dist / sbom).read_bytes())
    component = document["metadata"]["component"]
    assert (document["bomFormat"], component["name"], component["version"]) == (
        "CycloneDX",
        "sync-platform",
        __version__,
    )
    names = {each["name"] for each in document["components"]}
    locked = re.findall(
        r"^([a-zA-Z0-9._-]+)(?:\[.*\])?==", (ROOT / "requirements-fleet.lock").read_text(), flags=re.MULTILINE
    )
    assert names == {*locked}


@pytest.mark.full  # a new interpreter imports everything
def test_the_wheel_works_in_a_fresh_environment(dist: Path, tmp_path: Path) -> None:
    """Its dependencies are those of this environment: a test uses no network."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False)
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (wheel,) = dist.glob("*.whl")
    command = [sys.executable, "-m", "pip", "--quiet", f"--python={folder / 'bin' / 'python'}", "install", "--no-deps"]
    subprocess.run([*command, "--no-index", wheel], check=True, capture_output=True)
    (packages / "of_the_tests.pth").write_text("\n".join(site.getsitepackages()))
    environment = {"PATH": os.environ["PATH"], "SYNC_HOME": str(tmp_path / "home"), "COLUMNS": "100"}

    def output(*arguments: str) -> str:
        program = folder / "bin" / "sync-platform"
        done = subprocess.run([program, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "--accept-shrink" in output("sync", "--help")
    assert "not made yet" in output("migrate", "--check")
    where = "import sync_platform; print(sync_platform.__file__)"
    found = subprocess.run([folder / "bin" / "python", "-c", where], cwd=tmp_path, capture_output=True, text=True)
    assert found.stdout.startswith(str(packages))


def test_the_project_is_described_once() -> None:
    """The version of the package is that of pyproject.toml: setup.cfg, which setuptools reads too, has none."""
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__
    assert "version" not in (ROOT / "setup.cfg").read_text()
