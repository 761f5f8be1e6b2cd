"""Erasures and legal holds: what happened to each, appended only and hash-chained."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    for table, of in (("erasures", "erasure"), ("legal_holds", "hold")):
        op.create_table(
            table,
            sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column(of, sa.BigInteger, nullable=False, index=True),
            sa.Column("at", sa.Text, nullable=False),
            sa.Column("actor", sa.Text, nullable=False),
            sa.Column("event", sa.Text, nullable=False),
            sa.Column("details", sa.Text, nullable=False),
            sa.Column("previous", sa.Text, nullable=False),
            sa.Column("link", sa.Text, nullable=False),
        )


def downgrade() -> None:
    op.drop_table("legal_holds")
    op.drop_table("erasures")
