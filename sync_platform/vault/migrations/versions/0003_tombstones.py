"""Tombstones: the list of erased data subjects, who never get a key again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "tombstones",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("subject_id", sa.Text, nullable=False, unique=True),
        sa.Column("erased_at", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("tombstones")
