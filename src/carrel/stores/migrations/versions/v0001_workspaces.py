"""Projects, workspaces, their checkpoints and leases, and the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
f = op.f  # these names are complete; no naming convention may touch them

GENESIS = "0" * 64
NEXT = "(SELECT coalesce(max(sequence), 0) + 1 FROM ledger)"
LAST_HASH = f"coalesce((SELECT hash FROM ledger ORDER BY sequence DESC LIMIT 1), '{GENESIS}')"  # noqa: S608 - a constant
GUARDS = {
    "sqlite": (
        (
            "CREATE TRIGGER ledger_keeps_rows BEFORE DELETE ON ledger "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        ),
        (
            "CREATE TRIGGER ledger_keeps_values BEFORE UPDATE ON ledger "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        ),
        (
            "CREATE TRIGGER ledger_keeps_chain BEFORE INSERT ON ledger "
            f"WHEN NEW.sequence <> {NEXT} OR NEW.previous <> {LAST_HASH} "
            "BEGIN SELECT RAISE(ABORT, 'the ledger takes only its next link'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION carrel_ledger_keeps_rows() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RAISE EXCEPTION ''the ledger is append-only''; END'"
        ),
        (
            "CREATE FUNCTION carrel_ledger_keeps_chain() RETURNS trigger LANGUAGE plpgsql AS "
            f"'BEGIN IF NEW.sequence <> {NEXT} OR NEW.previous <> "
            + LAST_HASH.replace("'", "''")
            + " THEN RAISE EXCEPTION ''the ledger takes only its next link''; END IF; "
            "RETURN NEW; END'"
        ),
        (
            "CREATE TRIGGER ledger_keeps_rows BEFORE UPDATE OR DELETE ON ledger "
            "FOR EACH ROW EXECUTE FUNCTION carrel_ledger_keeps_rows()"
        ),
        (
            "CREATE TRIGGER ledger_keeps_all BEFORE TRUNCATE ON ledger "
            "FOR EACH STATEMENT EXECUTE FUNCTION carrel_ledger_keeps_rows()"
        ),
        (
            "CREATE TRIGGER ledger_keeps_chain BEFORE INSERT ON ledger "
            "FOR EACH ROW EXECUTE FUNCTION carrel_ledger_keeps_chain()"
        ),
    ),
}


def upgrade() -> None:
    _projects()
    _agent_workspaces()
    _workspace_commits()
    _leases()
    _ledger()
    for guard in GUARDS[op.get_bind().dialect.name]:
        op.execute(sa.text(guard))


def downgrade() -> None:
    for table in ("ledger", "leases", "workspace_commits", "agent_workspaces", "projects"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION carrel_ledger_keeps_rows()")
        op.execute("DROP FUNCTION carrel_ledger_keeps_chain()")


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("home", sa.Text(), nullable=False),
        sa.Column("default_branch", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('path', 'url')", name=f("ck_projects_kind_is_known")),
        sa.CheckConstraint("name <> ''", name=f("ck_projects_name_is_given")),
        sa.PrimaryKeyConstraint("project_id", name=f("pk_projects")),
    )
    op.create_index(
        "uq_projects_name_key_present",
        "projects",
        ["name_key"],
        unique=True,
        sqlite_where=sa.text("NOT removed"),
        postgresql_where=sa.text("NOT removed"),
    )


def _agent_workspaces() -> None:
    op.create_table(
        "agent_workspaces",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=100), nullable=False),
        sa.Column("agent_key", sa.String(length=200), nullable=False),
        sa.Column("working_directory", sa.Text(), nullable=False),
        sa.Column("branch_name", sa.Text(), nullable=False),
        sa.Column("branch_key", sa.Text(), nullable=False),
        sa.Column("start_ref", sa.Text(), nullable=False),
        sa.Column("target_branch", sa.Text(), nullable=False),
        sa.Column("parent_commit", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.String(length=64), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("driver", sa.String(length=32), nullable=False),
        sa.Column("home", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("head_commit", sa.String(length=64), nullable=False),
        sa.Column("layer", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("merged_to", sa.Text(), nullable=True),
        sa.Column("merged_commit", sa.String(length=64), nullable=True),
        sa.Column("options", sa.Text(), nullable=False),
        sa.CheckConstraint("agent_id <> ''", name=f("ck_agent_workspaces_agent_id_is_given")),
        sa.CheckConstraint(
            "outcome IN ('open', 'merged', 'failed')",
            name=f("ck_agent_workspaces_outcome_is_known"),
        ),
        sa.CheckConstraint(
            "state IN ('creating', 'active', 'removing', 'trashed', 'removed')",
            name=f("ck_agent_workspaces_state_is_known"),
        ),
        sa.CheckConstraint(
            "(parent_id IS NULL AND depth = 0) OR (parent_id IS NOT NULL AND depth > 0)",
            name=f("ck_agent_workspaces_depth_fits_parent"),
        ),
        sa.CheckConstraint(
            "length(head_commit) IN (0, 40, 64)",
            name=f("ck_agent_workspaces_head_commit_is_an_object_id"),
        ),
        sa.CheckConstraint(
            "length(merged_commit) IN (40, 64)",
            name=f("ck_agent_workspaces_merged_commit_is_an_object_id"),
        ),
        sa.CheckConstraint(
            "length(parent_commit) IN (0, 40, 64)",
            name=f("ck_agent_workspaces_parent_commit_is_an_object_id"),
        ),
        sa.CheckConstraint(
            "merged_commit IS NULL OR merged_to IS NOT NULL",
            name=f("ck_agent_workspaces_merge_has_a_target"),
        ),
        sa.CheckConstraint(
            "parent_id IS NULL OR parent_id <> workspace_id",
            name=f("ck_agent_workspaces_parent_is_another"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["agent_workspaces.workspace_id"],
            name=f("fk_agent_workspaces_parent_id_agent_workspaces"),
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.project_id"],
            name=f("fk_agent_workspaces_project_id_projects"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", name=f("pk_agent_workspaces")),
        sa.UniqueConstraint(
            "project_id", "branch_key", name=f("uq_agent_workspaces_project_id_branch_key")
        ),
    )
    op.create_index(
        "ix_agent_workspaces_parent_id", "agent_workspaces", ["parent_id"], unique=False
    )
    op.create_index("ix_agent_workspaces_state", "agent_workspaces", ["state"], unique=False)
    op.create_index(
        "uq_agent_workspaces_agent_key_open",
        "agent_workspaces",
        ["agent_key"],
        unique=True,
        sqlite_where=sa.text("state IN ('creating', 'active', 'removing')"),
        postgresql_where=sa.text("state IN ('creating', 'active', 'removing')"),
    )


def _workspace_commits() -> None:
    op.create_table(
        "workspace_commits",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=True),
        sa.Column("commit_sha", sa.String(length=64), nullable=False),
        sa.Column("files_changed", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("empty", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.CheckConstraint("reason <> ''", name=f("ck_workspace_commits_reason_is_given")),
        sa.CheckConstraint(
            "NOT empty OR files_changed = 0", name=f("ck_workspace_commits_empty_changed_nothing")
        ),
        sa.CheckConstraint(
            "files_changed >= 0", name=f("ck_workspace_commits_files_changed_is_not_negative")
        ),
        sa.CheckConstraint(
            "iteration IS NULL OR iteration >= 0",
            name=f("ck_workspace_commits_iteration_is_not_negative"),
        ),
        sa.CheckConstraint(
            "length(commit_sha) IN (40, 64)",
            name=f("ck_workspace_commits_commit_sha_is_an_object_id"),
        ),
        sa.CheckConstraint("number >= 1", name=f("ck_workspace_commits_number_counts_from_1")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["agent_workspaces.workspace_id"],
            name=f("fk_workspace_commits_workspace_id_agent_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=f("pk_workspace_commits")),
        sa.UniqueConstraint(
            "workspace_id", "iteration", name=f("uq_workspace_commits_workspace_id_iteration")
        ),
        sa.UniqueConstraint(
            "workspace_id", "number", name=f("uq_workspace_commits_workspace_id_number")
        ),
    )


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.String(length=100), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("acquired_at", sa.DateTime(), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("token <> ''", name=f("ck_leases_token_is_given")),
        sa.CheckConstraint("pid >= 0", name=f("ck_leases_pid_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["agent_workspaces.workspace_id"],
            name=f("fk_leases_workspace_id_agent_workspaces"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", name=f("pk_leases")),
    )


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("action <> ''", name=f("ck_ledger_action_is_given")),
        sa.CheckConstraint("length(hash) = 64", name=f("ck_ledger_hash_is_sha256")),
        sa.CheckConstraint("length(previous) = 64", name=f("ck_ledger_previous_is_sha256")),
        sa.CheckConstraint("sequence >= 1", name=f("ck_ledger_sequence_counts_from_1")),
        sa.PrimaryKeyConstraint("sequence", name=f("pk_ledger")),
        sa.UniqueConstraint("hash", name=f("uq_ledger_hash")),
        sa.UniqueConstraint("previous", name=f("uq_ledger_previous")),
    )
    op.create_index("ix_ledger_subject", "ledger", ["subject"], unique=False)
