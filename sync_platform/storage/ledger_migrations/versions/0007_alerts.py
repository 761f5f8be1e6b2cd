"""Alerts, the outbox of their messages, the time of the last round, and anomalies that a person expects."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.Text, primary_key=True),
        sa.Column("cause", sa.Text, nullable=False, index=True),
        sa.Column("open_as", sa.Text, unique=True),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("effect", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("subjects", sa.Text, nullable=False),
        sa.Column("subjects_in_all", sa.BigInteger, nullable=False),
        sa.Column("times_seen", sa.BigInteger, nullable=False),
        sa.Column("times_reopened", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True)),
        sa.Column("resolved_at", sa.DateTime(timezone=True), index=True),
        sa.Column("resolved_by", sa.Text),
        sa.Column("resolved_because", sa.Text),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True)),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("silenced_at", sa.DateTime(timezone=True)),
        sa.Column("silenced_until", sa.DateTime(timezone=True)),
        sa.Column("silenced_by", sa.Text),
        sa.Column("silenced_because", sa.Text),
    )
    op.create_table(
        "alert_messages",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("alert_id", sa.Text, nullable=False, index=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), index=True),
        sa.Column("refused_at", sa.DateTime(timezone=True)),
        sa.Column("last_error", sa.Text),
    )
    op.create_table(
        "alert_rounds",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "expected_anomalies",
        sa.Column("alert_id", sa.Text, primary_key=True),
        sa.Column("detail", sa.Text, nullable=False, index=True),
        sa.Column("subjects", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for table in ("expected_anomalies", "alert_rounds", "alert_messages", "alerts"):
        op.drop_table(table)
