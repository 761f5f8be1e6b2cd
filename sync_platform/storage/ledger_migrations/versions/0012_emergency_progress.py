"""The progress of emergency requests: what each platform's sync does now."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "emergency_progress",
        sa.Column("request_id", sa.Text, sa.ForeignKey("emergency_requests.request_id"), primary_key=True),
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("records", sa.Integer, nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("emergency_progress")
