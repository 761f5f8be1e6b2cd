"""Files stream: a backup of a large file takes little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MAX_MIB = 300
PROGRAM = """
import sys
from pathlib import Path
from sync_platform.backup.file_copies import FileCopies, Policy
from sync_platform.backup.repository import Repository
from sync_platform.backup.repository_key import RepositoryKey
from sync_platform.storage.folder_store import FolderStore

folder = Path(sys.argv[1])
repository = Repository(FolderStore(folder / "store"), RepositoryKey(bytes(32)))
copies = FileCopies(repository, [], folder, Policy(compress=False, encrypt=True))
entry = copies.copy_file(folder / "large", "large", "data", Policy(compress=False, encrypt=True))
copies.read_back()
repository.read_into(entry, folder / "restored")
(peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)  # the peak of getrusage is that of the process that started this one
"""


@pytest.mark.full
def test_a_file_of_600_mb_is_backed_up_and_restored_in_300_mb(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(600_000_000)
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=True, capture_output=True, text=True)
    assert int(done.stdout) < MAX_MIB
