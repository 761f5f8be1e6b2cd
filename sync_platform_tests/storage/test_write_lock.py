"""The lake's write lock says which process holds it, and since when."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.write_lock import holding_file, write_lock_holder


def test_the_holder_is_known_while_it_holds_the_lock(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.sqlite"
    assert write_lock_holder(f"sqlite:{catalog}") is None
    with holding_file(catalog):
        holder = write_lock_holder(f"sqlite:{catalog}")
        assert holder is not None
        assert holder.run_id.endswith(f"/{os.getpid()}")
        assert datetime.now(UTC) - holder.since < timedelta(minutes=1)
    assert write_lock_holder(f"sqlite:{catalog}") is None
    assert not [file for file in tmp_path.iterdir() if file.suffix == ".holder"]


def test_the_label_of_a_killed_holder_is_not_believed(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.sqlite"
    label = Holder("machine/1", datetime(2026, 11, 1, tzinfo=UTC)).label
    (tmp_path / "catalog.sqlite.write.holder").write_text(label)
    assert write_lock_holder(f"sqlite:{catalog}") is None
