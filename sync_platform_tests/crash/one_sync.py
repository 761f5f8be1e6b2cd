"""One complete sync of OpenRice without Dagster, from HTTP to the lake. It can kill its own process at any step.

python -m sync_platform_tests.crash.one_sync FOLDER URL DAY [STEP]: prints the number of its steps. A step is an object
put or deleted in landing, or a statement to the lake. The process can die between any two steps.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sync_platform.lake.commit import commit_landed
from sync_platform.lake.rows import TypedRows
from sync_platform.landing.destination import Destination, ObjectLimits
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.manifest import land
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.source import Source
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.platforms import load_platforms
from sync_platform.sources.scope import Scope
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.ledger import Ledger
from sync_platform.vault.key_file import from_key_file
from sync_platform.vault.platform_secrets import PlatformSecrets
from sync_platform.vault.seal import Vault, open_vault_database

HISTORY = "lineage.changes"


class Steps:
    """Counts steps, and kills the process instead of the step `fatal`."""

    def __init__(self, fatal: int | None) -> None:
        self._numbers, self._fatal, self.taken = itertools.count(1), fatal, 0

    def take(self) -> None:
        self.taken = next(self._numbers)
        if self.taken == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class SteppedStore(FolderStore):
    """A folder store whose writes are steps."""

    def __init__(self, folder: Path, steps: Steps) -> None:
        super().__init__(folder)
        self._steps = steps

    def put(self, key: str, body: bytes) -> None:
        self._steps.take()
        super().put(key, body)

    def delete(self, key: str) -> None:
        self._steps.take()
        super().delete(key)


class SteppedSession:
    """A DuckDB connection whose statements are steps."""

    def __init__(self, session: Any, steps: Steps) -> None:
        self._session, self._steps = session, steps

    def execute(self, *arguments: Any) -> Any:
        self._steps.take()
        return self._session.execute(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class SteppedLake(Lake):
    """A lake in whose sessions every statement is a step."""

    def __init__(self, address: LakeAddress, steps: Steps) -> None:
        super().__init__(address)
        self._steps = steps

    @contextmanager
    def session(self) -> Iterator[Any]:
        with super().session() as session:
            session.execute("SET python_scan_all_frames = true")  # this frame must not hide a reader from DuckDB
            yield SteppedSession(session, self._steps)


def address_in(folder: Path) -> LakeAddress:
    return LakeAddress(f"sqlite:{folder / 'catalog.sqlite'}", str(folder / "data"), folder / "temp")


def main(folder: Path, url: str, day: str, fatal: int | None) -> None:
    steps = Steps(fatal)
    platform = load_platforms()["openrice"]
    vault = Vault(
        open_vault_database(f"sqlite:///{folder.parent / 'vault.sqlite'}"), from_key_file(folder.parent / "key")
    )
    store = SteppedStore(folder / "landing", steps)
    credentials = dict.fromkeys(("api_key", "app_id", "app_secret", "refresh_token"), "sandbox")
    source = Source(url, "", credentials, None, 4, False)
    secrets = PlatformSecrets(Ledger(f"sqlite:///{folder / 'ledger.sqlite'}"), vault, "openrice")
    fetch = Fetch(platform, source, secrets, Scope(), day[:7], new_sync_id(), f"run of {day}")
    # every part is stored at once, so that the next sync can reuse some
    manifests = extract(fetch, Destination(store, vault, ObjectLimits(age_s=0.0)))
    land(store, manifests)
    with SteppedLake(address_in(folder), steps) as lake:
        for manifest in manifests:
            commit_landed(lake, HISTORY, TypedRows(LandedDataset(manifest, store), platform), manifest.run_id)
    sys.stdout.write(f"{steps.taken}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else None)
