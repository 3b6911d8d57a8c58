"""Foresight: recorded observations, running time, bills."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
f = op.f  # these names are complete; no naming convention may touch them


def upgrade() -> None:
    op.create_table(
        "observations",
        sa.Column("fleet", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("fleet", "at", name=f("pk_observations")),
    )
    op.create_table(
        "running_time",
        sa.Column("fleet", sa.Text(), nullable=False),
        sa.Column("month", sa.DateTime(), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double[float](), nullable=False),
        sa.CheckConstraint("seconds >= 0", name=f("ck_running_time_time_goes_on")),
        sa.PrimaryKeyConstraint("fleet", "month", "workspace_id", name=f("pk_running_time")),
    )
    op.create_table(
        "bill_lines",
        sa.Column("fleet", sa.Text(), nullable=False),
        sa.Column("month", sa.DateTime(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("cost", sa.Double[float](), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "fleet",
            "month",
            "account",
            "workspace",
            "owner",
            "template",
            "currency",
            name=f("pk_bill_lines"),
        ),
    )


def downgrade() -> None:
    for table in ("bill_lines", "running_time", "observations"):
        op.drop_table(table)
