"""The units of systemd and the compose file of one server: each process once, closed, and a real command."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from sync_platform.cli.app import app
from sync_platform.settings import Settings
from sync_platform_tests.services import NOT_TESTED
from sync_platform_tests.tree import ROOT

FOLDER = ROOT / "infrastructure" / "one-server"
UNITS = sorted((FOLDER / "systemd").glob("*.service"))
FLEET_UNITS = sorted((ROOT / "infrastructure" / "fleet" / "systemd").glob("*.service"))
MOST_EXPOSURE = 16
"""Tenths of the points of `systemd-analyze security`; it calls less than 50 OK."""
PROCESSES = {"serve --only web", "serve --only code-server", "serve --only daemon", "emergency starter", "watch"}


def unit(file: Path) -> dict[str, str]:
    """The section `Service` of a unit."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(file)
    return dict(parser["Service"])


def services() -> dict[str, Any]:
    """The services of the compose file that run the program."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    return {name: service for name, service in found.items() if name != "caddy"}


def arguments(command: str) -> list[str]:
    return shlex.split(command)[1:]


def test_systemd_and_compose_start_each_process_once() -> None:
    started = [" ".join(arguments(unit(file)["ExecStart"])) for file in UNITS]
    assert sorted(started) == sorted(PROCESSES)
    assert {" ".join(service["command"][1:]) for service in services().values()} == PROCESSES


@pytest.mark.parametrize("command", sorted(PROCESSES))
def test_each_process_is_a_command_of_the_program(command: str) -> None:
    group: Any = get_command(app)
    for name in command.partition(" --")[0].split():
        assert name in group.commands
        group = group.commands[name]
    options = {option for parameter in group.params for option in parameter.opts}
    assert {each for each in command.split() if each.startswith("--")} <= options


def test_systemd_accepts_the_units() -> None:
    for file in [*UNITS, FOLDER / "systemd" / "sync-platform.target"]:
        assert complaints_of_systemd(file) == [], file.name


def complaints_of_systemd(file: Path) -> list[str]:
    """What systemd says against a unit; the test is skipped where there is no systemd."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip(f"systemd units {NOT_TESTED}: there is no `systemd-analyze` (apt-get install systemd)")
    done = subprocess.run([analyze, "verify", str(file)], capture_output=True, text=True, timeout=60, check=False)
    complaints = [line for line in done.stderr.splitlines() if "is not executable" not in line]
    return [line for line in complaints if "sync-platform" in line]


@pytest.mark.parametrize("file", [*UNITS, *FLEET_UNITS], ids=lambda file: file.stem)
def test_a_unit_is_closed_as_far_as_systemd_can_judge(file: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip(f"systemd units {NOT_TESTED}: there is no `systemd-analyze` (apt-get install systemd)")
    command = [analyze, "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSURE}", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", [*UNITS, *FLEET_UNITS], ids=lambda file: file.stem)
def test_a_unit_has_no_users_of_its_own(file: Path) -> None:
    """With PrivateUsers the processes of one unit do not see those of another: a run that lives would count as dead."""
    assert "PrivateUsers" not in unit(file)


def test_a_unit_may_write_only_its_state() -> None:
    for file in UNITS:
        assert unit(file)["ProtectSystem"] == "strict" and unit(file)["NoNewPrivileges"] == "yes", file.name
        assert unit(file)["CapabilityBoundingSet"] == "" and unit(file)["User"] == "sync-platform", file.name


def test_a_stop_of_the_code_server_ends_no_run() -> None:
    modes = {file.stem.removeprefix("sync-platform-"): unit(file)["KillMode"] for file in UNITS}
    assert {name for name, mode in modes.items() if mode == "process"} == {"code-server", "starter"}


def test_a_container_is_read_only_and_only_caddy_is_reached_from_outside() -> None:
    document = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    for name, service in document["services"].items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert ("ports" in service) is (name == "caddy"), name
    networks = {name: set(service["networks"]) for name, service in document["services"].items()}
    assert networks.pop("caddy") == {"front"} and networks.pop("web") == {"inside", "front"}
    assert all(each == {"inside"} for each in networks.values())


def test_the_settings_of_the_examples_exist() -> None:
    lines = (FOLDER / "environment.example").read_text().splitlines()
    written = [line.lstrip("#").partition("=")[0] for line in lines if "=" in line and not line.startswith("# ")]
    names = {*written, *(name for service in services().values() for name in service["environment"])}
    assert {name for name in names if name.lower() not in Settings.model_fields} == set()
