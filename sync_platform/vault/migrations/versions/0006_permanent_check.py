"""The check value of the permanent half of the master key, so that the vault refuses a key of which half is another."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("key_checks", sa.Column("permanent_check", sa.Text))


def downgrade() -> None:
    op.drop_column("key_checks", "permanent_check")
