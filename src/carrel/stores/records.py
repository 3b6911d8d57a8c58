"""Rows into values and values into rows."""

from collections.abc import Mapping, Sequence
from typing import cast

from carrel.domain.checkpoints import Checkpoint
from carrel.domain.conflicts import ConflictKind, Settlement, Side, Strategy, Version
from carrel.domain.leases import Lease
from carrel.domain.ledger import Event
from carrel.domain.names import folded
from carrel.domain.projects import Project, SourceKind
from carrel.domain.workspaces import Outcome, State, Workspace
from carrel.errors import FailedError
from carrel.stores import statements
from carrel.stores.cells import (
    Cell,
    Connection,
    Record,
    as_json,
    json_of,
    moment_of,
    number_of,
    optional_number_of,
    optional_text_of,
    record_of,
    stored,
    text_of,
)

Row = Sequence[object]


def project_of(row: Row) -> Project:
    """Read a project."""
    record = record_of(statements.PROJECT, row)
    return Project(
        project_id=text_of(record, "project_id"),
        name=text_of(record, "name"),
        kind=SourceKind(text_of(record, "kind")),
        source=text_of(record, "source"),
        home=text_of(record, "home"),
        default_branch=text_of(record, "default_branch"),
        created_at=moment_of(record, "created_at"),
    )


def project_row(project: Project, connection: Connection) -> dict[str, Cell]:
    """Write a project."""
    return {
        "project_id": stored(project.project_id),
        "name": stored(project.name),
        "name_key": stored(folded(project.name)),
        "kind": str(project.kind),
        "source": stored(project.source),
        "home": stored(project.home),
        "default_branch": stored(project.default_branch),
        "created_at": connection.moment(project.created_at),
        "removed": False,
    }


def workspace_of(row: Row) -> Workspace:
    """Read a workspace."""
    record = record_of(statements.WORKSPACE, row)
    return Workspace(
        workspace_id=text_of(record, "workspace_id"),
        project_id=text_of(record, "project_id"),
        agent_id=text_of(record, "agent_id"),
        branch_name=text_of(record, "branch_name"),
        start_ref=text_of(record, "start_ref"),
        target_branch=text_of(record, "target_branch"),
        parent_commit=text_of(record, "parent_commit"),
        parent_id=optional_text_of(record, "parent_id"),
        depth=number_of(record, "depth"),
        driver=text_of(record, "driver"),
        home=text_of(record, "home"),
        state=State(text_of(record, "state")),
        outcome=Outcome(text_of(record, "outcome")),
        head_commit=text_of(record, "head_commit"),
        layer=text_of(record, "layer"),
        created_at=moment_of(record, "created_at"),
        updated_at=moment_of(record, "updated_at"),
        merged_to=optional_text_of(record, "merged_to"),
        merged_commit=optional_text_of(record, "merged_commit"),
        options=_options(record),
    )


def workspace_row(workspace: Workspace, connection: Connection) -> dict[str, Cell]:
    """Write a workspace."""
    merged_to = workspace.merged_to
    return {
        "workspace_id": stored(workspace.workspace_id),
        "project_id": stored(workspace.project_id),
        "agent_id": stored(workspace.agent_id),
        "agent_key": stored(folded(workspace.agent_id)),
        "working_directory": stored(workspace.working_directory),
        "branch_name": stored(workspace.branch_name),
        "branch_key": stored(folded(workspace.branch_name)),
        "start_ref": stored(workspace.start_ref),
        "target_branch": stored(workspace.target_branch),
        "parent_commit": workspace.parent_commit,
        "parent_id": workspace.parent_id,
        "depth": workspace.depth,
        "driver": workspace.driver,
        "home": stored(workspace.home),
        "state": str(workspace.state),
        "outcome": str(workspace.outcome),
        "head_commit": workspace.head_commit,
        "layer": workspace.layer,
        "created_at": connection.moment(workspace.created_at),
        "updated_at": connection.moment(workspace.updated_at),
        "merged_to": None if merged_to is None else stored(merged_to),
        "merged_commit": workspace.merged_commit,
        "options": as_json(workspace.options),
    }


def checkpoint_of(row: Row) -> Checkpoint:
    """Read a checkpoint."""
    record = record_of(statements.CHECKPOINT, row)
    return Checkpoint(
        checkpoint_id=text_of(record, "id"),
        workspace_id=text_of(record, "workspace_id"),
        agent_id=text_of(record, "agent_id"),
        number=number_of(record, "number"),
        iteration=optional_number_of(record, "iteration"),
        commit_sha=text_of(record, "commit_sha"),
        files_changed=number_of(record, "files_changed"),
        message=text_of(record, "message"),
        created_at=moment_of(record, "created_at"),
        empty=bool(number_of(record, "empty")),
        reason=text_of(record, "reason"),
    )


def checkpoint_row(checkpoint: Checkpoint, connection: Connection) -> dict[str, Cell]:
    """Write a checkpoint."""
    return {
        "id": stored(checkpoint.checkpoint_id),
        "workspace_id": stored(checkpoint.workspace_id),
        "agent_id": stored(checkpoint.agent_id),
        "number": checkpoint.number,
        "iteration": checkpoint.iteration,
        "commit_sha": checkpoint.commit_sha,
        "files_changed": checkpoint.files_changed,
        "message": stored(checkpoint.message),
        "created_at": connection.moment(checkpoint.created_at),
        "empty": checkpoint.empty,
        "reason": stored(checkpoint.reason),
    }


def settlement_of(row: Row) -> tuple[str, Settlement]:
    """Read one settled conflict and the merge it belongs to."""
    record = record_of(statements.SETTLEMENT, row)
    winner = optional_text_of(record, "winner")
    settlement = Settlement(
        path=text_of(record, "path"),
        kind=ConflictKind(text_of(record, "kind")),
        strategy=Strategy(text_of(record, "strategy")),
        winner=None if winner is None else Side(winner),
        winning=_versions(record, "winning"),
        losing=_versions(record, "losing"),
        kept_ref=text_of(record, "kept_ref"),
        reason=text_of(record, "reason"),
    )
    return text_of(record, "merge_id"), settlement


def settlement_row(settlement: Settlement) -> dict[str, Cell]:
    """Write one settled conflict, but for the columns that tell where it belongs."""
    return {
        "path": stored(settlement.path),
        "kind": str(settlement.kind),
        "strategy": str(settlement.strategy),
        "winner": None if settlement.winner is None else str(settlement.winner),
        "winning": as_json([(v.path, v.mode, v.object_id) for v in settlement.winning]),
        "losing": as_json([(v.path, v.mode, v.object_id) for v in settlement.losing]),
        "kept_ref": stored(settlement.kept_ref),
        "reason": stored(settlement.reason),
    }


def lease_of(row: Row) -> Lease:
    """Read a lease."""
    record = record_of(statements.LEASE, row)
    return Lease(
        workspace_id=text_of(record, "workspace_id"),
        holder=text_of(record, "holder"),
        token=text_of(record, "token"),
        host=text_of(record, "host"),
        pid=number_of(record, "pid"),
        acquired_at=moment_of(record, "acquired_at"),
        heartbeat_at=moment_of(record, "heartbeat_at"),
    )


def lease_row(lease: Lease, connection: Connection) -> dict[str, Cell]:
    """Write a lease."""
    return {
        "workspace_id": stored(lease.workspace_id),
        "holder": stored(lease.holder),
        "token": stored(lease.token),
        "host": stored(lease.host),
        "pid": lease.pid,
        "acquired_at": connection.moment(lease.acquired_at),
        "heartbeat_at": connection.moment(lease.heartbeat_at),
    }


def event_of(row: Row) -> Event:
    """Read an event of the ledger."""
    record = record_of(statements.EVENT, row)
    data = json_of(record, "data")
    return Event(
        sequence=number_of(record, "sequence"),
        at=moment_of(record, "at"),
        actor=text_of(record, "actor"),
        action=text_of(record, "action"),
        subject=text_of(record, "subject"),
        data=cast("Mapping[str, object]", data) if isinstance(data, Mapping) else {},
        previous=text_of(record, "previous"),
        hash=text_of(record, "hash"),
    )


def event_row(event: Event, connection: Connection) -> dict[str, Cell]:
    """Write an event of the ledger."""
    return {
        "sequence": event.sequence,
        "at": connection.moment(event.at),
        "actor": stored(event.actor),
        "action": stored(event.action),
        "subject": stored(event.subject),
        "data": as_json(dict(event.data)),
        "previous": event.previous,
        "hash": event.hash,
    }


def _triples(record: Record, column: str, length: int) -> list[list[str]]:
    value = json_of(record, column)
    rows: list[list[str]] = []
    for item in _items(value, column):
        parts = _items(item, column)
        if len(parts) != length:
            raise _damaged(column, item)
        rows.append([str(part) for part in parts])
    return rows


def _items(value: object, column: str) -> list[object]:
    if not isinstance(value, list):
        raise _damaged(column, value)
    return cast("list[object]", value)


def _damaged(column: str, value: object) -> FailedError:
    return FailedError(
        "database_damaged",
        f"The column {column} holds {value!r:.60} instead of a list.",
        cure="Restore the database from a copy, or run `carrel db check`.",
    )


def _versions(record: Record, column: str) -> tuple[Version, ...]:
    return tuple(
        Version(path, mode, object_id) for path, mode, object_id in _triples(record, column, 3)
    )


def _options(record: Record) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in _triples(record, "options", 2))
