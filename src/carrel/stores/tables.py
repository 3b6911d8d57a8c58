"""The tables, as SQLAlchemy knows them: what migrations are compared with, and applications use.

Portable types only. Moments are stored as UTC without a zone. Small maps are JSON text. Every
constraint has a name, so that a later migration can change it on either database.
"""

from collections.abc import Iterable

from sqlalchemy import (
    DDL,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from carrel.domain.conflicts import ConflictKind, Side, Strategy
from carrel.domain.governance.plans import ActionState, Deed, Purpose
from carrel.domain.governance.warnings import Delivery
from carrel.domain.ledger import GENESIS
from carrel.domain.projects import SourceKind
from carrel.domain.workspaces import OPEN_STATES, Outcome, State
from carrel.stores.revisions import VERSION_TABLE

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _among(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


def _commit(column: str, *, required: bool) -> CheckConstraint:
    """An object id: SHA-1 or SHA-256, or empty while it isn't known yet."""
    lengths = "40, 64" if required else "0, 40, 64"
    return CheckConstraint(f"length({column}) IN ({lengths})", name=f"{column}_is_an_object_id")


OPEN = _among("state", [state for state in State if state in OPEN_STATES])

projects = Table(
    "projects",
    metadata,
    Column("project_id", String(64)),
    Column("name", String(100), nullable=False),
    Column("name_key", String(200), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("source", Text, nullable=False),
    Column("home", Text, nullable=False),
    Column("default_branch", Text, nullable=False),
    Column("created_at", DateTime, nullable=False),
    # A project that was removed keeps its row: its workspaces' history stands on it.
    Column("removed", Boolean(create_constraint=False), nullable=False),
    PrimaryKeyConstraint("project_id"),
    CheckConstraint(_among("kind", SourceKind), name="kind_is_known"),
    CheckConstraint("name <> ''", name="name_is_given"),
)
Index(
    "uq_projects_name_key_present",
    projects.c.name_key,
    unique=True,
    sqlite_where=text("NOT removed"),
    postgresql_where=text("NOT removed"),
)

agent_workspaces = Table(
    "agent_workspaces",
    metadata,
    Column("workspace_id", String(64)),
    Column("project_id", String(64), ForeignKey("projects.project_id"), nullable=False),
    Column("agent_id", String(100), nullable=False),
    Column("agent_key", String(200), nullable=False),
    Column("working_directory", Text, nullable=False),
    Column("branch_name", Text, nullable=False),
    Column("branch_key", Text, nullable=False),
    Column("start_ref", Text, nullable=False),
    Column("target_branch", Text, nullable=False),
    Column("parent_commit", String(64), nullable=False),
    Column("parent_id", String(64), ForeignKey("agent_workspaces.workspace_id")),
    Column("depth", Integer, nullable=False),
    Column("driver", String(32), nullable=False),
    Column("home", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("head_commit", String(64), nullable=False),
    Column("layer", String(64), nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("updated_at", DateTime, nullable=False),
    Column("merged_to", Text),
    Column("merged_commit", String(64)),
    Column("options", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id"),
    # For ever: a branch outlives its workspace, and its name stays with what it was.
    UniqueConstraint("project_id", "branch_key"),
    CheckConstraint(_among("state", State), name="state_is_known"),
    CheckConstraint(_among("outcome", Outcome), name="outcome_is_known"),
    CheckConstraint("agent_id <> ''", name="agent_id_is_given"),
    CheckConstraint(
        "(parent_id IS NULL AND depth = 0) OR (parent_id IS NOT NULL AND depth > 0)",
        name="depth_fits_parent",
    ),
    CheckConstraint("parent_id IS NULL OR parent_id <> workspace_id", name="parent_is_another"),
    CheckConstraint("merged_commit IS NULL OR merged_to IS NOT NULL", name="merge_has_a_target"),
    _commit("parent_commit", required=False),
    _commit("head_commit", required=False),
    _commit("merged_commit", required=True),
)
# An agent may own many workspaces over time, but only one at a time.
Index(
    "uq_agent_workspaces_agent_key_open",
    agent_workspaces.c.agent_key,
    unique=True,
    sqlite_where=text(OPEN),
    postgresql_where=text(OPEN),
)
Index("ix_agent_workspaces_parent_id", agent_workspaces.c.parent_id)
Index("ix_agent_workspaces_state", agent_workspaces.c.state)

workspace_commits = Table(
    "workspace_commits",
    metadata,
    Column("id", String(64)),
    Column("workspace_id", String(64), ForeignKey("agent_workspaces.workspace_id"), nullable=False),
    Column("agent_id", String(100), nullable=False),
    Column("number", Integer, nullable=False),
    Column("iteration", Integer),
    Column("commit_sha", String(64), nullable=False),
    Column("files_changed", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("empty", Boolean(create_constraint=False), nullable=False),
    Column("reason", String(32), nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "number"),
    UniqueConstraint("workspace_id", "iteration"),
    CheckConstraint("number >= 1", name="number_counts_from_1"),
    CheckConstraint("iteration IS NULL OR iteration >= 0", name="iteration_is_not_negative"),
    CheckConstraint("files_changed >= 0", name="files_changed_is_not_negative"),
    CheckConstraint("NOT empty OR files_changed = 0", name="empty_changed_nothing"),
    CheckConstraint("reason <> ''", name="reason_is_given"),
    _commit("commit_sha", required=True),
)

merge_conflict_resolutions = Table(
    "merge_conflict_resolutions",
    metadata,
    Column("merge_id", String(64), nullable=False),
    Column("position", Integer, nullable=False),
    Column("workspace_id", String(64), ForeignKey("agent_workspaces.workspace_id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("strategy", String(32), nullable=False),
    Column("winner", String(8)),
    # [[path, mode, object id], …]: what was taken, and what was not.
    Column("winning", Text, nullable=False),
    Column("losing", Text, nullable=False),
    Column("kept_ref", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", DateTime, nullable=False),
    PrimaryKeyConstraint("merge_id", "position"),
    CheckConstraint("position >= 1", name="position_counts_from_1"),
    CheckConstraint(_among("kind", ConflictKind), name="kind_is_known"),
    CheckConstraint(_among("strategy", Strategy), name="strategy_is_known"),
    CheckConstraint(f"winner IS NULL OR {_among('winner', Side)}", name="winner_is_a_side"),
)
Index("ix_merge_conflict_resolutions_workspace_id", merge_conflict_resolutions.c.workspace_id)

leases = Table(
    "leases",
    metadata,
    Column("workspace_id", String(64), ForeignKey("agent_workspaces.workspace_id")),
    Column("holder", Text, nullable=False),
    Column("token", String(100), nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("acquired_at", DateTime, nullable=False),
    Column("heartbeat_at", DateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id"),
    CheckConstraint("token <> ''", name="token_is_given"),
    CheckConstraint("pid >= 0", name="pid_is_not_negative"),
)

plans = Table(
    "plans",
    metadata,
    Column("plan_id", String(12)),
    Column("hash", String(64), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("fleet", Text, nullable=False),
    Column("made_at", DateTime, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("undoes", String(12), nullable=False),
    # Everything that the hash covers, as canonical JSON; a long one is packed, see `packing`.
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("plan_id"),
    UniqueConstraint("hash"),
    CheckConstraint(_among("purpose", Purpose), name="purpose_is_known"),
    CheckConstraint("length(hash) = 64", name="hash_is_sha256"),
)
Index("ix_plans_made_at", plans.c.made_at)

plan_actions = Table(
    "plan_actions",
    metadata,
    Column("plan_id", String(12), ForeignKey("plans.plan_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("workspace_id", String(64), nullable=False),
    Column("deed", String(32), nullable=False),
    # Ends somebody's running workspace: what caps count.
    Column("stops", Boolean(create_constraint=False), nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", DateTime, nullable=False),
    Column("sent_at", DateTime),
    Column("holder", Text, nullable=False),
    Column("build_number", Integer, nullable=False),
    Column("build_id", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("before", Text, nullable=False),
    PrimaryKeyConstraint("plan_id", "number"),
    CheckConstraint("number >= 1", name="number_counts_from_1"),
    CheckConstraint(_among("deed", Deed), name="deed_is_known"),
    CheckConstraint(_among("state", ActionState), name="state_is_known"),
    CheckConstraint(
        "state NOT IN ('sent', 'following', 'done', 'uncertain') OR sent_at IS NOT NULL",
        name="what_was_sent_has_a_moment",
    ),
)
Index("ix_plan_actions_state", plan_actions.c.state)
Index("ix_plan_actions_sent_at", plan_actions.c.sent_at)

keep_alives = Table(
    "keep_alives",
    metadata,
    Column("keep_id", String(64)),
    Column("fleet", Text, nullable=False),
    Column("workspace_id", String(64), nullable=False),
    Column("workspace", Text, nullable=False),
    Column("kept_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", DateTime, nullable=False),
    Column("until", DateTime, nullable=False),
    PrimaryKeyConstraint("keep_id"),
    CheckConstraint("until >= at", name="it_ends_after_it_began"),
)
Index("ix_keep_alives_until", keep_alives.c.until)

freezes = Table(
    "freezes",
    metadata,
    # Always `all`: one freeze holds everything that governs by this database.
    Column("scope", String(16)),
    Column("frozen_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", DateTime, nullable=False),
    PrimaryKeyConstraint("scope"),
    CheckConstraint("scope = 'all'", name="scope_is_known"),
)

warnings = Table(
    "warnings",
    metadata,
    Column("fleet", Text, nullable=False),
    Column("workspace_id", String(64), nullable=False),
    Column("build_number", Integer, nullable=False),
    Column("due", DateTime, nullable=False),
    Column("owner_id", String(64), nullable=False),
    Column("at", DateTime, nullable=False),
    Column("delivery", String(16), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("plan_id", String(12), nullable=False),
    PrimaryKeyConstraint("fleet", "workspace_id", "build_number", "due"),
    CheckConstraint(_among("delivery", Delivery), name="delivery_is_known"),
)
Index("ix_warnings_at", warnings.c.at)

observations = Table(
    "observations",
    metadata,
    Column("fleet", Text, nullable=False),
    Column("at", DateTime, nullable=False),
    # Stands alone; else it holds what differs from the one before.
    Column("alone", Boolean(create_constraint=False), nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("fleet", "at"),
)

running_time = Table(
    "running_time",
    metadata,
    Column("fleet", Text, nullable=False),
    Column("month", DateTime, nullable=False),
    Column("workspace_id", String(64), nullable=False),
    Column("workspace", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("seconds", Double, nullable=False),
    PrimaryKeyConstraint("fleet", "month", "workspace_id"),
    CheckConstraint("seconds >= 0", name="time_goes_on"),
)

bill_lines = Table(
    "bill_lines",
    metadata,
    Column("fleet", Text, nullable=False),
    Column("month", DateTime, nullable=False),
    Column("account", Text, nullable=False),
    # Empty: it belongs to none.
    Column("workspace", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("cost", Double, nullable=False),
    Column("currency", Text, nullable=False),
    PrimaryKeyConstraint("fleet", "month", "account", "workspace", "owner", "template", "currency"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("sequence", Integer, autoincrement=False),
    Column("at", DateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(100), nullable=False),
    Column("subject", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("sequence"),
    UniqueConstraint("previous"),
    UniqueConstraint("hash"),
    CheckConstraint("sequence >= 1", name="sequence_counts_from_1"),
    CheckConstraint("action <> ''", name="action_is_given"),
    CheckConstraint("length(hash) = 64", name="hash_is_sha256"),
    CheckConstraint("length(previous) = 64", name="previous_is_sha256"),
)
Index("ix_ledger_subject", ledger.c.subject)

carrel_version = Table(
    VERSION_TABLE,
    metadata,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),  # as Alembic names it
)

_NEXT = "(SELECT coalesce(max(sequence), 0) + 1 FROM ledger)"
_LAST_HASH = f"coalesce((SELECT hash FROM ledger ORDER BY sequence DESC LIMIT 1), '{GENESIS}')"  # noqa: S608 - constants

LEDGER_GUARDS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        (
            "CREATE TRIGGER ledger_keeps_rows BEFORE DELETE ON ledger "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        ),
        (
            "CREATE TRIGGER ledger_keeps_values BEFORE UPDATE ON ledger "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        ),
        # INSERT OR REPLACE would delete without a trigger: only the next link may be inserted.
        (
            "CREATE TRIGGER ledger_keeps_chain BEFORE INSERT ON ledger "
            f"WHEN NEW.sequence <> {_NEXT} OR NEW.previous <> {_LAST_HASH} "
            "BEGIN SELECT RAISE(ABORT, 'the ledger takes only its next link'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION carrel_ledger_keeps_rows() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RAISE EXCEPTION ''the ledger is append-only''; END'"
        ),
        "CREATE FUNCTION carrel_ledger_keeps_chain() RETURNS trigger LANGUAGE plpgsql AS "
        f"'BEGIN IF NEW.sequence <> {_NEXT} OR NEW.previous <> "
        + _LAST_HASH.replace("'", "''")
        + " THEN RAISE EXCEPTION ''the ledger takes only its next link''; END IF; "
        "RETURN NEW; END'",
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
"""What makes the ledger append-only inside the database itself."""

for _dialect, _guards in LEDGER_GUARDS.items():
    for _guard in _guards:
        event.listen(ledger, "after_create", DDL(_guard).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
