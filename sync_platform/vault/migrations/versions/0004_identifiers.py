"""Identifiers: keyed hashes by which a person is found, and the datasets that the person was seen in."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
UNREAD = "unread_subjects"
"""The index of the persons of earlier versions whose identifiers are not read yet: mostly, it is empty."""


def upgrade() -> None:
    op.add_column("subject_keys", sa.Column("identifiers", sa.Text, nullable=False, server_default=""))
    op.add_column("subject_keys", sa.Column("seen_in", sa.Text, nullable=True))
    is_unread = sa.text("seen_in IS NULL")
    op.create_index(UNREAD, "subject_keys", ["subject_id"], sqlite_where=is_unread, postgresql_where=is_unread)


def downgrade() -> None:
    op.drop_index(UNREAD, "subject_keys")
    op.drop_column("subject_keys", "seen_in")
    op.drop_column("subject_keys", "identifiers")
