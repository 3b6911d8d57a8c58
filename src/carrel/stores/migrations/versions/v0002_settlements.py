"""How each conflict of a merge was settled."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
f = op.f  # these names are complete; no naming convention may touch them


def upgrade() -> None:
    op.create_table(
        "merge_conflict_resolutions",
        sa.Column("merge_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("strategy", sa.String(length=32), nullable=False),
        sa.Column("winner", sa.String(length=8), nullable=True),
        sa.Column("winning", sa.Text(), nullable=False),
        sa.Column("losing", sa.Text(), nullable=False),
        sa.Column("kept_ref", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('content', 'add/add', 'modify/delete', 'rename/delete', "
            "'rename/rename 1to2', 'rename/rename 2to1', 'rename/add', 'file/directory', "
            "'directory rename', 'binary', 'mode', 'type', 'submodule')",
            name=f("ck_merge_conflict_resolutions_kind_is_known"),
        ),
        sa.CheckConstraint(
            "strategy IN ('newest_file_wins', 'child', 'parent', 'union', 'fail', 'command')",
            name=f("ck_merge_conflict_resolutions_strategy_is_known"),
        ),
        sa.CheckConstraint(
            "winner IS NULL OR winner IN ('child', 'parent')",
            name=f("ck_merge_conflict_resolutions_winner_is_a_side"),
        ),
        sa.CheckConstraint(
            "position >= 1", name=f("ck_merge_conflict_resolutions_position_counts_from_1")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["agent_workspaces.workspace_id"],
            name=f("fk_merge_conflict_resolutions_workspace_id_agent_workspaces"),
        ),
        sa.PrimaryKeyConstraint("merge_id", "position", name=f("pk_merge_conflict_resolutions")),
    )
    op.create_index(
        "ix_merge_conflict_resolutions_workspace_id",
        "merge_conflict_resolutions",
        ["workspace_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("merge_conflict_resolutions")
