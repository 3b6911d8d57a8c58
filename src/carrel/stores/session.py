"""One transaction on either database: what `ports.store.Session` promises, by named SQL."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from carrel.domain.checkpoints import Checkpoint
from carrel.domain.conflicts import Settlement
from carrel.domain.leases import Lease
from carrel.domain.ledger import GENESIS, Event, event_hash
from carrel.domain.limits import Limits
from carrel.domain.names import folded
from carrel.domain.projects import Project
from carrel.domain.workspaces import OPEN_STATES, State, Workspace
from carrel.errors import BadInputError, LimitError, NotFoundError, RefusedError
from carrel.stores import statements
from carrel.stores.cells import Cell, Connection, plain_facts, stored
from carrel.stores.governance import SqlGovernance
from carrel.stores.history import SqlHistory
from carrel.stores.records import (
    checkpoint_of,
    checkpoint_row,
    event_of,
    event_row,
    lease_of,
    lease_row,
    project_of,
    project_row,
    settlement_of,
    settlement_row,
    workspace_of,
    workspace_row,
)

_PAGE = 1000
_EVERYTHING = 2**62


class SqlSession:
    """A transaction; `DatabaseService` opens and ends it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def governance(self) -> SqlGovernance:
        """What is remembered of governing fleets, in this transaction."""
        return SqlGovernance(self._connection)

    @property
    def history(self) -> SqlHistory:
        """What is remembered of how fleets were, in this transaction."""
        return SqlHistory(self._connection)

    def add_project(self, project: Project) -> None:
        """Insert a project; see `ports.store`."""
        taken = self.project_named(project.name)
        if taken is not None:
            raise RefusedError(
                "project_exists",
                f"There is a project named {taken.name!r} already.",
                why=f"It was made from {taken.source}.",
                cure="Use that project, or give the new one another name.",
            )
        self._connection.run(statements.ADD_PROJECT, project_row(project, self._connection))

    def project(self, project_id: str) -> Project | None:
        """Return a project by id."""
        rows = self._rows(statements.PROJECT_BY_ID, project_id=project_id)
        return project_of(rows[0]) if rows else None

    def project_named(self, name: str) -> Project | None:
        """Return a project by name; case does not count."""
        rows = self._rows(statements.PROJECT_BY_NAME, name_key=folded(name))
        return project_of(rows[0]) if rows else None

    def projects(self) -> list[Project]:
        """Return all projects by name."""
        return [project_of(row) for row in self._rows(statements.PROJECTS)]

    def remove_project(self, project_id: str) -> None:
        """Take a project off the list; its row stays, its workspaces' history stands on it."""
        left = self._rows(
            statements.WORKSPACES_LEFT, project_id=project_id, removed=str(State.REMOVED)
        )
        if left:
            raise RefusedError(
                "project_in_use",
                "The project still has workspaces.",
                why="; ".join(f"{agent} ({state})" for agent, state in left) + ".",
                cure="Remove them with 'carrel rm', and delete what is in the trash for good "
                "with 'carrel trash empty'.",
            )
        if not self._run(statements.REMOVE_PROJECT, project_id=project_id, removed=True):
            raise _missing("project", project_id)

    def add_workspace(self, workspace: Workspace, limits: Limits) -> None:
        """Check the limits and insert the row; see `ports.store`."""
        if self.project(workspace.project_id) is None:
            raise _missing("project", workspace.project_id)
        self._check_agent(workspace)
        self._check_branch(workspace)
        self._check_depth(workspace, limits)
        self._check_count(limits)
        self._connection.run(statements.ADD_WORKSPACE, workspace_row(workspace, self._connection))

    def save_workspace(self, workspace: Workspace, limits: Limits | None = None) -> None:
        """Write all columns; with `limits`, a workspace that opens again must fit in them."""
        if workspace.state in OPEN_STATES:
            self._check_agent(workspace)
            if limits is not None:
                before = self.workspace(workspace.workspace_id)
                if before is not None and before.state not in OPEN_STATES:
                    self._check_count(limits)
        row = workspace_row(workspace, self._connection)
        if not self._connection.run(statements.SAVE_WORKSPACE, row):
            raise _missing("workspace", workspace.workspace_id)

    def workspace(self, workspace_id: str) -> Workspace | None:
        """Return a workspace by id."""
        rows = self._rows(statements.WORKSPACE_BY_ID, workspace_id=workspace_id)
        return workspace_of(rows[0]) if rows else None

    def branch_taken(self, project_id: str, branch: str) -> bool:
        """Tell whether any workspace, gone ones included, has this branch (any case)."""
        return bool(self._branch_owners(project_id, branch))

    def open_workspace_of(self, agent_id: str) -> Workspace | None:
        """Return the agent's one open workspace (case does not count)."""
        rows = self._rows(statements.OPEN_WORKSPACE_OF, agent_key=folded(agent_id))
        return workspace_of(rows[0]) if rows else None

    def workspaces(
        self, project_id: str | None = None, states: Sequence[State] | None = None
    ) -> list[Workspace]:
        """Return workspaces, oldest first."""
        if states is not None and not states:
            return []
        wanted = states or ()
        values: dict[str, Cell] = {f"state{i}": str(state) for i, state in enumerate(wanted)}
        if project_id is not None:
            values["project_id"] = stored(project_id)
        statement = statements.workspaces(of_project=project_id is not None, states=len(wanted))
        return [workspace_of(row) for row in self._connection.rows(statement, values)]

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Insert a checkpoint; see `ports.store`."""
        self._check_checkpoint(checkpoint)
        self._connection.run(
            statements.ADD_CHECKPOINT, checkpoint_row(checkpoint, self._connection)
        )

    def checkpoints(self, workspace_id: str) -> list[Checkpoint]:
        """Return a workspace's checkpoints by number."""
        rows = self._rows(statements.CHECKPOINTS, workspace_id=workspace_id)
        return [checkpoint_of(row) for row in rows]

    def last_checkpoint(self, workspace_id: str) -> Checkpoint | None:
        """Return a workspace's newest checkpoint."""
        rows = self._rows(statements.LAST_CHECKPOINT, workspace_id=workspace_id)
        return checkpoint_of(rows[0]) if rows else None

    def iteration(self, workspace_id: str, iteration: int) -> Checkpoint | None:
        """Return the checkpoint of an iteration."""
        rows = self._rows(
            statements.CHECKPOINT_OF_ITERATION, workspace_id=workspace_id, iteration=iteration
        )
        return checkpoint_of(rows[0]) if rows else None

    def add_settlements(
        self, merge_id: str, workspace_id: str, settlements: Sequence[Settlement], at: datetime
    ) -> None:
        """Insert one row per settlement."""
        last = self._rows(statements.LAST_POSITION, merge_id=merge_id)[0][0]
        first = last + 1 if isinstance(last, int) else 1
        where: dict[str, Cell] = {
            "merge_id": stored(merge_id),
            "workspace_id": stored(workspace_id),
            "created_at": self._connection.moment(at),
        }
        rows = [
            settlement_row(settlement) | where | {"position": position}
            for position, settlement in enumerate(settlements, first)
        ]
        self._connection.run_many(statements.ADD_SETTLEMENT, rows)

    def settlements(self, workspace_id: str) -> list[tuple[str, Settlement]]:
        """Return (merge id, settlement) of a workspace's merges, oldest first."""
        rows = self._rows(statements.SETTLEMENTS, workspace_id=workspace_id)
        return [settlement_of(row) for row in rows]

    def lease(self, workspace_id: str) -> Lease | None:
        """Return who holds a workspace, expired or not."""
        rows = self._rows(statements.LEASE_OF, workspace_id=workspace_id)
        return lease_of(rows[0]) if rows else None

    def leases(self) -> list[Lease]:
        """Return all leases, by workspace."""
        return [lease_of(row) for row in self._rows(statements.LEASES)]

    def put_lease(self, lease: Lease) -> None:
        """Insert or replace a workspace's lease."""
        self._connection.run(statements.PUT_LEASE, lease_row(lease, self._connection))

    def drop_lease(self, workspace_id: str, token: str) -> bool:
        """Delete a lease if the token fits; tell whether it did."""
        return bool(self._run(statements.DROP_LEASE, workspace_id=workspace_id, token=token))

    def append(
        self, at: datetime, actor: str, action: str, subject: str, data: Mapping[str, object]
    ) -> Event:
        """Append an event to the ledger, chained to the one before."""
        sequence, previous = 1, GENESIS
        for last, link in self._rows(statements.LAST_LINK):
            sequence, previous = int(str(last)) + 1, str(link)
        self._connection.moment(at)  # refuses a moment without a zone before it is hashed
        facts = plain_facts(data)
        bare = Event(sequence, at.astimezone(UTC), actor, action, subject, facts, previous, "")
        event = replace(bare, hash=event_hash(bare))
        self._connection.run(statements.ADD_EVENT, event_row(event, self._connection))
        return event

    def events(
        self, *, after: int = 0, limit: int | None = None, subject: str | None = None
    ) -> Iterator[Event]:
        """Return events in order of sequence, read page by page."""
        left = _EVERYTHING if limit is None else limit
        statement = statements.EVENTS if subject is None else statements.EVENTS_OF
        values: dict[str, Cell] = {} if subject is None else {"subject": stored(subject)}
        while left > 0:
            values |= {"after": after, "limit": min(left, _PAGE)}
            page = [event_of(row) for row in self._connection.rows(statement, values)]
            yield from page
            if len(page) < _PAGE:
                return
            after, left = page[-1].sequence, left - len(page)

    def latest_events(self, limit: int) -> list[Event]:
        """Return the newest events, oldest of them first."""
        rows = self._rows(statements.LATEST_EVENTS, limit=limit)
        return [event_of(row) for row in reversed(rows)]

    def _rows(self, statement: str, **values: str | int) -> Sequence[Sequence[object]]:
        return self._connection.rows(statement, _stored(values))

    def _run(self, statement: str, **values: str | int) -> int:
        return self._connection.run(statement, _stored(values))

    def _check_agent(self, workspace: Workspace) -> None:
        taken = self.open_workspace_of(workspace.agent_id)
        if taken is not None and taken.workspace_id != workspace.workspace_id:
            raise RefusedError(
                "agent_busy",
                f"{taken.agent_id!r} has an open workspace already: {taken.workspace_id}.",
                why="An agent works in one workspace at a time; upper and lower case are one.",
                cure=f"Go on in it, remove it with `carrel rm {taken.agent_id}`, or use another "
                "name.",
            )

    def _branch_owners(self, project_id: str, branch: str) -> Sequence[Sequence[object]]:
        return self._rows(statements.BRANCH_TAKEN, project_id=project_id, branch_key=folded(branch))

    def _check_branch(self, workspace: Workspace) -> None:
        for (owner,) in self._branch_owners(workspace.project_id, workspace.branch_name):
            raise RefusedError(
                "branch_taken",
                f"The branch {workspace.branch_name!r} belongs to the workspace {owner}.",
                why="A branch stays with its workspace, also when that is gone.",
                cure="Use another branch.",
            )

    def _check_depth(self, workspace: Workspace, limits: Limits) -> None:
        depth = 0
        if workspace.parent_id is not None:
            parent = self.workspace(workspace.parent_id)
            if parent is None:
                raise _missing("workspace", workspace.parent_id)
            depth = parent.depth + 1
        if workspace.depth != depth:
            raise BadInputError(
                "wrong_depth",
                f"A workspace of depth {workspace.depth} can't stand here.",
                why=f"Its parent makes it {depth}.",
            )
        if depth > limits.max_depth:
            raise LimitError(
                "max_depth",
                f"{workspace.agent_id!r} would be {depth} deep in a chain of parents.",
                why=f"At most {limits.max_depth} are allowed (workspace.max_depth).",
                cure="Start it from a branch instead, merge a parent first, or raise the limit.",
            )

    def _check_count(self, limits: Limits) -> None:
        count = self._rows(statements.COUNT_OPEN)[0][0]
        if isinstance(count, int) and count >= limits.max_count:
            oldest = ", ".join(str(row[0]) for row in self._rows(statements.OLDEST_OPEN))
            raise LimitError(
                "max_count",
                f"{count} workspaces are open, and {limits.max_count} may be "
                "(workspace.max_count).",
                why=f"The oldest: {oldest}." if oldest else "",
                cure="Remove one with `carrel rm`, let `carrel gc` find what is done, or raise "
                "the limit.",
            )

    def _check_checkpoint(self, checkpoint: Checkpoint) -> None:
        workspace_id, iteration = checkpoint.workspace_id, checkpoint.iteration
        if iteration is not None and self.iteration(workspace_id, iteration) is not None:
            raise RefusedError(
                "iteration_taken",
                f"Iteration {iteration} of {checkpoint.agent_id!r} has its checkpoint already.",
                cure="Use that checkpoint, or count on.",
            )
        number = checkpoint.number
        if self._rows(statements.CHECKPOINT_OF_NUMBER, workspace_id=workspace_id, number=number):
            raise RefusedError(
                "checkpoint_taken",
                f"Checkpoint {number} of {checkpoint.agent_id!r} exists already.",
                why="Another process made it at the same time.",
                cure="Try again.",
            )


def _stored(values: Mapping[str, str | int]) -> dict[str, Cell]:
    return {
        name: stored(value) if isinstance(value, str) else value for name, value in values.items()
    }


def _missing(what: str, name: str) -> NotFoundError:
    return NotFoundError(
        f"unknown_{what}",
        f"There is no {what} {name!r}.",
        cure="`carrel ls` lists the workspaces and their projects.",
    )
