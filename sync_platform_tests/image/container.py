"""A container of an unpacked image, started by runc: read-only, without capabilities, and without a network.

What belongs here: the configuration of the container. What is run in it belongs in the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from sync_platform_tests.services import NOT_TESTED

STATE = "/var/lib/sync-platform"
NAMESPACES = ("pid", "network", "ipc", "uts", "mount")


def run_closed(
    folder: Path, config: Mapping[str, Any], command: list[str], variables: Mapping[str, str], state: Path
) -> subprocess.CompletedProcess[str]:
    """Run a command in a container. `folder` has the unpacked image in `rootfs`; `config`: that of the image; `state`:
    a folder that outlives the container, as the volume of the compose file."""
    runc = shutil.which("runc")
    if runc is None or os.geteuid() != 0:
        pytest.skip(f"a container of the image {NOT_TESTED}: apt-get install runc, and be root")
    uid, gid = (int(each) for each in config["User"].split(":"))
    state.mkdir(exist_ok=True)
    os.chown(state, uid, gid)
    document = {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": uid, "gid": gid},
            "args": command,
            "env": [*config["Env"], *(f"{name}={value}" for name, value in variables.items())],
            "cwd": config["WorkingDir"],
            "noNewPrivileges": True,
            "capabilities": {kind: [] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")},
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "image",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            _memory("/dev", "755", "strictatime"),
            _memory("/dev/shm", "1777", "nodev"),
            _memory("/tmp", "1777", "nodev"),
            {"destination": STATE, "type": "bind", "source": str(state), "options": ["rbind", "rw", "nosuid", "nodev"]},
        ],
        "linux": {"namespaces": [{"type": each} for each in NAMESPACES], "cgroupsPath": f"/{_name()}"},
    }
    (folder / "config.json").write_bytes(orjson.dumps(document))
    options = ["--root", str(folder / "runc"), "run", "--bundle", str(folder), _name()]
    return subprocess.run([runc, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def _name() -> str:
    return f"sync-platform-image-{os.getpid()}"


def _memory(path: str, mode: str, option: str) -> dict[str, Any]:
    return {"destination": path, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", option, f"mode={mode}"]}
