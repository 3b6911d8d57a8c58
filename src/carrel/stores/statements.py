"""Every statement that Carrel runs, in SQL that SQLite and PostgreSQL both take.

Named SQL instead of SQLAlchemy expressions, because on SQLite it needs no import of SQLAlchemy:
see docs/decisions/database.md. Tests run each statement on both databases, and compare
the columns with the tables. Parameters are written `:name`.
"""

from collections.abc import Sequence

from carrel.domain.workspaces import OPEN_STATES, State
from carrel.stores.revisions import VERSION_TABLE

PROJECT = ("project_id", "name", "kind", "source", "home", "default_branch", "created_at")
WORKSPACE = (
    "workspace_id",
    "project_id",
    "agent_id",
    "branch_name",
    "start_ref",
    "target_branch",
    "parent_commit",
    "parent_id",
    "depth",
    "driver",
    "home",
    "state",
    "outcome",
    "head_commit",
    "layer",
    "created_at",
    "updated_at",
    "merged_to",
    "merged_commit",
    "options",
)
CHECKPOINT = (
    "id",
    "workspace_id",
    "agent_id",
    "number",
    "iteration",
    "commit_sha",
    "files_changed",
    "message",
    "created_at",
    "empty",
    "reason",
)
SETTLEMENT = (
    "merge_id",
    "path",
    "kind",
    "strategy",
    "winner",
    "winning",
    "losing",
    "kept_ref",
    "reason",
)
LEASE = ("workspace_id", "holder", "token", "host", "pid", "acquired_at", "heartbeat_at")
EVENT = ("sequence", "at", "actor", "action", "subject", "data", "previous", "hash")


def insert_into(table: str, columns: Sequence[str]) -> str:
    """Return the statement that inserts one row."""
    marks = ", ".join(f":{column}" for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - constants


def select_from(table: str, columns: Sequence[str], rest: str) -> str:
    """Return a query of some columns."""
    return f"SELECT {', '.join(columns)} FROM {table} {rest}"  # noqa: S608 - constants


def _update(table: str, columns: Sequence[str], key: str) -> str:
    changes = ", ".join(f"{column} = :{column}" for column in columns if column != key)
    return f"UPDATE {table} SET {changes} WHERE {key} = :{key}"  # noqa: S608 - constants


# The names are those of State, never a caller's text; in this order, so that both databases see
# that the partial index on open workspaces answers.
_OPEN = f"state IN ({', '.join(repr(str(state)) for state in State if state in OPEN_STATES)})"

_WORKSPACE_WRITTEN = (*WORKSPACE, "agent_key", "branch_key", "working_directory")

SCHEMA_VERSION = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - a constant
STAMP = f"INSERT INTO {VERSION_TABLE} (version_num) VALUES (:version)"  # noqa: S608 - a constant

ADD_PROJECT = insert_into("projects", (*PROJECT, "name_key", "removed"))
PROJECT_BY_ID = select_from("projects", PROJECT, "WHERE project_id = :project_id AND NOT removed")
PROJECT_BY_NAME = select_from("projects", PROJECT, "WHERE name_key = :name_key AND NOT removed")
PROJECTS = select_from("projects", PROJECT, "WHERE NOT removed ORDER BY name_key")
REMOVE_PROJECT = (
    "UPDATE projects SET removed = :removed WHERE project_id = :project_id AND NOT removed"
)
WORKSPACES_LEFT = (
    "SELECT agent_id, state FROM agent_workspaces "
    "WHERE project_id = :project_id AND state <> :removed ORDER BY created_at LIMIT 4"
)

ADD_WORKSPACE = insert_into("agent_workspaces", _WORKSPACE_WRITTEN)
SAVE_WORKSPACE = _update("agent_workspaces", _WORKSPACE_WRITTEN, "workspace_id")
WORKSPACE_BY_ID = select_from("agent_workspaces", WORKSPACE, "WHERE workspace_id = :workspace_id")
OPEN_WORKSPACE_OF = select_from(
    "agent_workspaces", WORKSPACE, f"WHERE agent_key = :agent_key AND {_OPEN}"
)
BRANCH_TAKEN = (
    "SELECT workspace_id FROM agent_workspaces "
    "WHERE project_id = :project_id AND branch_key = :branch_key"
)
COUNT_OPEN = f"SELECT count(*) FROM agent_workspaces WHERE {_OPEN}"  # noqa: S608 - constants
OLDEST_OPEN = (
    f"SELECT agent_id FROM agent_workspaces WHERE {_OPEN} "  # noqa: S608 - constants
    "ORDER BY created_at, workspace_id LIMIT 4"
)

ADD_CHECKPOINT = insert_into("workspace_commits", CHECKPOINT)
CHECKPOINTS = select_from(
    "workspace_commits", CHECKPOINT, "WHERE workspace_id = :workspace_id ORDER BY number"
)
CHECKPOINT_OF_ITERATION = select_from(
    "workspace_commits", CHECKPOINT, "WHERE workspace_id = :workspace_id AND iteration = :iteration"
)
CHECKPOINT_OF_NUMBER = select_from(
    "workspace_commits", CHECKPOINT, "WHERE workspace_id = :workspace_id AND number = :number"
)
LAST_CHECKPOINT = select_from(
    "workspace_commits",
    CHECKPOINT,
    "WHERE workspace_id = :workspace_id ORDER BY number DESC LIMIT 1",
)

ADD_SETTLEMENT = insert_into(
    "merge_conflict_resolutions", (*SETTLEMENT, "position", "workspace_id", "created_at")
)
LAST_POSITION = (
    "SELECT coalesce(max(position), 0) FROM merge_conflict_resolutions WHERE merge_id = :merge_id"
)
SETTLEMENTS = select_from(
    "merge_conflict_resolutions",
    SETTLEMENT,
    "WHERE workspace_id = :workspace_id ORDER BY created_at, merge_id, position",
)

LEASE_OF = select_from("leases", LEASE, "WHERE workspace_id = :workspace_id")
LEASES = select_from("leases", LEASE, "ORDER BY workspace_id")
PUT_LEASE = (
    insert_into("leases", LEASE)
    + " ON CONFLICT (workspace_id) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in LEASE[1:])
)
DROP_LEASE = "DELETE FROM leases WHERE workspace_id = :workspace_id AND token = :token"

ADD_EVENT = insert_into("ledger", EVENT)
LAST_LINK = "SELECT sequence, hash FROM ledger ORDER BY sequence DESC LIMIT 1"
EVENTS = select_from("ledger", EVENT, "WHERE sequence > :after ORDER BY sequence LIMIT :limit")
EVENTS_OF = select_from(
    "ledger",
    EVENT,
    "WHERE sequence > :after AND subject = :subject ORDER BY sequence LIMIT :limit",
)
LATEST_EVENTS = select_from("ledger", EVENT, "ORDER BY sequence DESC LIMIT :limit")


def workspaces(*, of_project: bool, states: int) -> str:
    """Return the statement that lists workspaces, oldest first.

    Args:
        of_project: Only those of `:project_id`.
        states: Only those in `:state0`, `:state1` …; 0 lists all.
    """
    wanted = ["project_id = :project_id"] if of_project else []
    if states:
        wanted.append(f"state IN ({', '.join(f':state{index}' for index in range(states))})")
    where = f"WHERE {' AND '.join(wanted)} " if wanted else ""
    return select_from("agent_workspaces", WORKSPACE, f"{where}ORDER BY created_at, workspace_id")
