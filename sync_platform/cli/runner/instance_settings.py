"""A `dagster.yaml` that is there already, compared with the one that this version writes.

A text that an earlier version wrote is replaced. A text that a person changed stays, and what it lacks is named.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync_platform.documents.wording import in_one_line
from sync_platform.errors import StorageError

VERSIONS = (
    "d00398dc2375869094438f42530b8c5283f7f2e113754f3339d3e9467c829205",
    "bca9b2dc80e48c79c7875c7cc8e0a34b7c29243595dad5043e07fc3b9ec0543f",
    "d2ff7d06e223114ca4d0f089556fbe08f0a2bd6c4847076631d2d8151cf8450e",
    "45b57ac86f946099550ef33b58296df5db6f1a204c5fcf6dd2aead81f397cb5f",
    "c46167a593d2a94dcbb6db457be9fa03ece42538e55edb35461d5e70f0a8ed37",
    "229b58d348f350eaa62861ec816063af52964607fa132590cd6dbc065300f024",
)
"""The SHA-256 of each text of `dagster.yaml` that a version wrote into a home, oldest first; this version's is last."""
OWN_COORDINATOR = "run_coordinator"
QUEUE = frozenset({"concurrency", "run_queue"})
"""Settings of the queue that Dagster refuses beside a coordinator of a person's own."""


@dataclass(frozen=True)
class InstanceSettings:
    """The text of the `dagster.yaml` at `path`; `wanted`: the text that this version writes.

    StorageError where it is no YAML.
    """

    path: Path
    text: str
    wanted: str

    @property
    def version(self) -> int | None:
        """Counted from 1; None for a text that a person wrote or changed."""
        digest = hashlib.sha256(self.text.encode()).hexdigest()
        return VERSIONS.index(digest) + 1 if digest in VERSIONS else None

    @property
    def is_replaced(self) -> bool:
        """True if an earlier version wrote it, and nobody changed it since; or if a machine that lost its power left it
        empty."""
        return not self.text.strip() or (self.version is not None and self.version < len(VERSIONS))

    @property
    def missing(self) -> dict[str, Any]:
        """The settings of this version that the text does not have. One with another value was chosen by a person."""
        if self.text == self.wanted:
            return {}
        import yaml  # most homes have the text of this version

        try:
            found = yaml.safe_load(self.text)
        except yaml.YAMLError as error:
            raise StorageError(f"{self.path} is no YAML: {in_one_line(error)}") from None
        if found is not None and not isinstance(found, dict):
            raise StorageError(f"{self.path} is no mapping of settings")
        found = found or {}
        queue = QUEUE if OWN_COORDINATOR in found else frozenset()
        return _missing({k: v for k, v in yaml.safe_load(self.wanted).items() if k not in queue}, found)

    @property
    def missing_lines(self) -> str:
        """The missing settings as YAML, to be copied; empty where there are none."""
        missing = self.missing
        if not missing:
            return ""
        import yaml

        text: str = yaml.safe_dump(missing, sort_keys=False)
        return text


def names_of(settings: dict[str, Any], above: str = "") -> list[str]:
    """The name of each setting with those above it, such as `run_queue.max_user_code_failure_retries`."""
    names: list[str] = []
    for name, value in settings.items():
        names += names_of(value, f"{above}{name}.") if isinstance(value, dict) else [f"{above}{name}"]
    return names


def _missing(wanted: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    missing: dict[str, Any] = {}
    for name, value in wanted.items():
        if found.get(name) is None:
            missing[name] = value
        elif isinstance(value, dict) and isinstance(found[name], dict):
            below = _missing(value, found[name])
            if below:
                missing[name] = below
    return missing
