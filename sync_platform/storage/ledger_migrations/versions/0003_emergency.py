"""Emergency requests: their platforms, who asked and why, and the run of each platform."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "emergency_requests",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("platforms", sa.Text, nullable=False),
        sa.Column("open_as", sa.Text, unique=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "emergency_askings",
        sa.Column("asking_key", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Text, sa.ForeignKey("emergency_requests.request_id"), nullable=False, index=True),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("priority", sa.Text, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "emergency_runs",
        sa.Column("request_id", sa.Text, sa.ForeignKey("emergency_requests.request_id"), primary_key=True),
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False, index=True),
        sa.Column("launched_by", sa.Text),
        sa.Column("run_id", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("launched_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )


def downgrade() -> None:
    op.drop_table("emergency_runs")
    op.drop_table("emergency_askings")
    op.drop_table("emergency_requests")
