"""Finding the workspace that a person, an agent or a ticket means."""

from collections.abc import Collection

from carrel.control.context import Context
from carrel.domain.names import folded
from carrel.domain.workspaces import OPEN_STATES, State, Workspace
from carrel.errors import NotFoundError, RefusedError

_MANY = 8
"""Names in a line that can still be read."""


def find(ctx: Context, name: object, *, states: Collection[State] = OPEN_STATES) -> Workspace:
    """Return the workspace that `name` names.

    Args:
        ctx: The context.
        name: A workspace id, an agent's name (case does not count), or a bare ticket id, which
            stands for the agent `ticket-ID`; the number or UUID of a ticket counts as its text.
        states: States that count.

    Raises:
        NotFoundError: `unknown_workspace`, naming near names.
    """
    wanted = str(name)
    with ctx.store.reading() as tx:
        by_id = tx.workspace(wanted)
        if by_id is not None and by_id.state in states:
            return by_id
        for agent in (wanted, f"ticket-{wanted}"):
            if states == OPEN_STATES:
                found = tx.open_workspace_of(agent)
                if found is not None:
                    return found
        rows = tx.workspaces(states=(*states, State.TRASHED))
    named = [ws for ws in rows if wanted == ws.workspace_id or _is_called(ws, wanted)]
    matching = [ws for ws in named if ws.state in states]
    if matching:
        return matching[-1]
    if named:
        raise NotFoundError(
            "unknown_workspace",
            f"No open workspace is called {wanted!r}.",
            why="One of that name is in the trash.",
            cure=f"'carrel trash restore {named[-1].agent_id}' takes it back.",
        )
    known = [ws.agent_id for ws in rows if ws.state in states]
    there = ", ".join(known[:_MANY]) or "none"
    raise NotFoundError(
        "unknown_workspace",
        f"No workspace is called {wanted!r}.",
        why=f"There are: {there}{', …' if len(known) > _MANY else ''}.",
        cure="See them all with 'carrel ls --all', or make one with 'carrel new'.",
    )


def _is_called(workspace: Workspace, wanted: str) -> bool:
    return folded(workspace.agent_id) in (folded(wanted), folded(f"ticket-{wanted}"))


def find_active(ctx: Context, wanted: object) -> Workspace:
    """Return a workspace that can be worked in.

    Raises:
        NotFoundError: `unknown_workspace`.
        RefusedError: `workspace_not_ready` while it is being made or removed.
    """
    return checked_active(find(ctx, wanted))


def checked_active(workspace: Workspace) -> Workspace:
    """Return `workspace` if it can be worked in.

    Raises:
        RefusedError: `workspace_not_ready`.
    """
    if workspace.state is State.ACTIVE:
        return workspace
    if workspace.state in (State.TRASHED, State.REMOVED):
        trashed = workspace.state is State.TRASHED
        anew = f"'carrel new NAME --from {workspace.head_commit}' starts from its last state"
        raise RefusedError(
            "workspace_not_ready",
            f"The workspace {workspace.agent_id} was removed.",
            why="It is in the trash." if trashed else "",
            cure=f"'carrel trash restore {workspace.agent_id}' takes it back."
            if trashed
            else f"{anew}.",
        )
    raise RefusedError(
        "workspace_not_ready",
        f"The workspace {workspace.agent_id} is {workspace.state}.",
        why="Another process is at it, or was stopped in the middle.",
        cure="Wait a moment; if it stays so, run 'carrel reconcile'.",
    )


def reread(ctx: Context, workspace: Workspace) -> Workspace:
    """Return the present row of a workspace (call it with the workspace's lock held)."""
    with ctx.store.reading() as tx:
        found = tx.workspace(workspace.workspace_id)
    if found is None:
        raise NotFoundError(
            "unknown_workspace",
            f"The workspace {workspace.workspace_id} is not in the database.",
            cure="Run 'carrel reconcile --dry-run' to see what is left of it.",
        )
    return found
