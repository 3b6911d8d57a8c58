"""Keep-alive leases: a workspace goes on until a moment, because somebody says why."""

from datetime import datetime, timedelta
from typing import Protocol, cast

from carrel.control.fleet import observing
from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.records import dataclass
from carrel.errors import NotFoundError, RefusedError
from carrel.system import identity


@dataclass(frozen=True, slots=True)
class Kept:
    """A lease, and the name of what it keeps."""

    workspace: str
    keep: KeepAlive


def snooze(ctx: FleetContext, name: str, length: timedelta, reason: str) -> Kept:
    """Keep a workspace running for a while from now on.

    Raises:
        BadInputError: `bad_keep_alive`.
        LimitError: `keep_alive_too_long`, by the policy's cap.
        NotFoundError: `unknown_fleet_workspace`.
    """
    workspace, at = observing.find(ctx, name), ctx.now()
    until = _until(ctx, at, length, reason)
    keep = KeepAlive(identity.new_id("keep"), workspace.workspace_id, ctx.actor, reason, at, until)
    with ctx.noting(
        "workspace.kept",
        workspace.workspace_id,
        workspace=workspace.full_name,
        keep_id=keep.keep_id,
        reason=reason,
        until=keep.until.isoformat(),
    ) as session:
        session.governance.add_keep(keep, ctx.address, workspace.full_name)
    return Kept(workspace.full_name, keep)


class _Leases(Protocol):
    """The settings of the policy on leases, as far as granting goes."""

    def grant(self, at: datetime, wanted: timedelta, reason: str) -> datetime: ...


def _until(ctx: FleetContext, at: datetime, length: timedelta, reason: str) -> datetime:
    held = ctx.configured("keep_alive")
    if held is not None:
        return cast("_Leases", held.settings).grant(at, length, reason)
    raise RefusedError(
        "no_keep_alives",
        "Nothing is kept: leases are switched off.",
        why="[policy.keep_alive] says enabled = false, so a lease would hold nothing.",
        cure="Switch the policy on in carrel.toml, or exclude the workspace there.",
    )


def listing(ctx: FleetContext) -> list[Kept]:
    """Return the leases in force, the first to end first."""
    with ctx.store.reading() as session:
        found = session.governance.keeps(ctx.address, ctx.now())
    return [Kept(workspace, keep) for workspace, keep in found]


def end(ctx: FleetContext, keep_id: str) -> None:
    """End a lease before its time.

    Raises:
        NotFoundError: `unknown_keep`.
    """
    with ctx.store.writing() as session:
        if not session.governance.end_keep(keep_id, ctx.now()):
            raise NotFoundError(
                "unknown_keep",
                f"No lease {keep_id!r} is in force.",
                cure="`carrel snooze` without a workspace lists those that are.",
            )
        session.append(ctx.now(), ctx.actor, "workspace.kept_no_longer", keep_id, {})


def by_workspace(ctx: FleetContext, at: datetime) -> dict[str, tuple[KeepAlive, ...]]:
    """Return the leases in force at a moment, by workspace id."""
    with ctx.store.reading() as session:
        found = session.governance.keeps(ctx.address, at)
    leases: dict[str, tuple[KeepAlive, ...]] = {}
    for _, keep in found:
        leases[keep.workspace_id] = (*leases.get(keep.workspace_id, ()), keep)
    return leases
