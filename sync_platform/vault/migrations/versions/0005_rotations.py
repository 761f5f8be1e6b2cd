"""The rotations of the master key; and the key that a rotation proposes where KMS wraps the master key."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "rotations",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("previous_check", sa.Text, nullable=False),
        sa.Column("wrapped_previous_key", sa.Text, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    op.add_column("master_keys", sa.Column("proposed_key", sa.LargeBinary))


def downgrade() -> None:
    op.drop_column("master_keys", "proposed_key")
    op.drop_table("rotations")
