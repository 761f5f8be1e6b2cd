"""The holders of platform locks, of which a restart of PostgreSQL ends the locks, but not the processes."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "lock_holders",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("doubted_at", sa.DateTime(timezone=True)),
        sa.Column("doubted_start", sa.DateTime(timezone=True)),
    )


def downgrade() -> None:
    op.drop_table("lock_holders")
