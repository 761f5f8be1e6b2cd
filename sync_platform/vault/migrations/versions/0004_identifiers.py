"""Identifiers: keyed hashes by which a person is found, and the datasets that the person was seen in."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("subject_keys", sa.Column("identifiers", sa.Text, nullable=False, server_default=""))
    op.add_column("subject_keys", sa.Column("seen_in", sa.Text, nullable=True))


def downgrade() -> None:
    op.drop_column("subject_keys", "seen_in")
    op.drop_column("subject_keys", "identifiers")
