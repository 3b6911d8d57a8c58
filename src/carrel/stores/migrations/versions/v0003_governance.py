"""Governing fleets: plans and how far they are, keep-alive leases, the freeze, warnings."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
f = op.f  # these names are complete; no naming convention may touch them


def upgrade() -> None:
    _plans()
    _plan_actions()
    _keep_alives()
    _freezes()
    _warnings()


def downgrade() -> None:
    for table in ("warnings", "freezes", "keep_alives", "plan_actions", "plans"):
        op.drop_table(table)


def _plans() -> None:
    op.create_table(
        "plans",
        sa.Column("plan_id", sa.String(length=12), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("fleet", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("undoes", sa.String(length=12), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('govern', 'quiet_hours', 'time_to_live', 'autostop', 'prune', "
            "'deletion', 'emergency_stop', 'undo', 'set')",
            name=f("ck_plans_purpose_is_known"),
        ),
        sa.CheckConstraint("length(hash) = 64", name=f("ck_plans_hash_is_sha256")),
        sa.PrimaryKeyConstraint("plan_id", name=f("pk_plans")),
        sa.UniqueConstraint("hash", name=f("uq_plans_hash")),
    )
    op.create_index("ix_plans_made_at", "plans", ["made_at"], unique=False)


def _plan_actions() -> None:
    op.create_table(
        "plan_actions",
        sa.Column("plan_id", sa.String(length=12), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("deed", sa.String(length=32), nullable=False),
        sa.Column("stops", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("build_number", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.CheckConstraint("number >= 1", name=f("ck_plan_actions_number_counts_from_1")),
        sa.CheckConstraint(
            "deed IN ('stop', 'pause', 'start', 'resume', 'make_dormant', 'wake', 'set_ttl', "
            "'set_deadline', 'set_autostart', 'delete', 'pause_prebuilds', 'resume_prebuilds')",
            name=f("ck_plan_actions_deed_is_known"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'following', 'done', 'skipped', 'failed', 'uncertain')",
            name=f("ck_plan_actions_state_is_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('sent', 'following', 'done', 'uncertain') OR sent_at IS NOT NULL",
            name=f("ck_plan_actions_what_was_sent_has_a_moment"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plans.plan_id"], name=f("fk_plan_actions_plan_id_plans")
        ),
        sa.PrimaryKeyConstraint("plan_id", "number", name=f("pk_plan_actions")),
    )
    op.create_index("ix_plan_actions_state", "plan_actions", ["state"], unique=False)
    op.create_index("ix_plan_actions_sent_at", "plan_actions", ["sent_at"], unique=False)


def _keep_alives() -> None:
    op.create_table(
        "keep_alives",
        sa.Column("keep_id", sa.String(length=64), nullable=False),
        sa.Column("fleet", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("kept_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.CheckConstraint("until >= at", name=f("ck_keep_alives_it_ends_after_it_began")),
        sa.PrimaryKeyConstraint("keep_id", name=f("pk_keep_alives")),
    )
    op.create_index("ix_keep_alives_until", "keep_alives", ["until"], unique=False)


def _freezes() -> None:
    op.create_table(
        "freezes",
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("frozen_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("scope = 'all'", name=f("ck_freezes_scope_is_known")),
        sa.PrimaryKeyConstraint("scope", name=f("pk_freezes")),
    )


def _warnings() -> None:
    op.create_table(
        "warnings",
        sa.Column("fleet", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("build_number", sa.Integer(), nullable=False),
        sa.Column("due", sa.DateTime(), nullable=False),
        sa.Column("owner_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("delivery", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.String(length=12), nullable=False),
        sa.CheckConstraint(
            "delivery IN ('sent', 'covered', 'failed')", name=f("ck_warnings_delivery_is_known")
        ),
        sa.PrimaryKeyConstraint(
            "fleet", "workspace_id", "build_number", "due", name=f("pk_warnings")
        ),
    )
    op.create_index("ix_warnings_at", "warnings", ["at"], unique=False)
