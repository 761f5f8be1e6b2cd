"""The check value of the master key, so that the vault refuses another one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "key_checks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("check_value", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("key_checks")
