"""The next version of the program: a copy with one more migration of the ledger, and perhaps a new format."""

from __future__ import annotations

import shutil
from pathlib import Path

from sync_platform_tests.tree import ROOT

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{last}"


def upgrade() -> None:
    op.add_column("leases", sa.Column("of_the_next_version", sa.Text))
"""
FORMAT = ('"history": 1', '"history": 2')
OVERTAKEN = "made by a newer version of this program"
"""What a program says about what the next version has made."""


def next_program(folder: Path, *, has_new_format: bool) -> Path:
    """The folder that PYTHONPATH names to run that version. `has_new_format`: it writes another form of the history."""
    package = shutil.copytree(ROOT / "sync_platform", folder / "sync_platform")
    versions = package / "storage" / "ledger_migrations" / "versions"
    last = max(file.stem.partition("_")[0] for file in versions.glob("[0-9]*.py"))
    (versions / "9999_next.py").write_text(MIGRATION.replace("{last}", last))
    if has_new_format:
        formats = package / "storage" / "lake_formats.py"
        text = formats.read_text()
        assert FORMAT[0] in text
        formats.write_text(text.replace(*FORMAT))
    return folder
