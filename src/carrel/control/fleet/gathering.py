"""Reading what a report needs besides an observation: logs, prices, how a TTL is kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from carrel.control.fleet import choosing, deciding, spending
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.deployment import Source
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import Note
from carrel.domain.governance.scopes import Scope, applies
from carrel.errors import CarrelError, FailedError
from carrel.planning.deciding import decide, prepare

if TYPE_CHECKING:
    from carrel.domain.fleet.history import AuditEntry, Usage

_ZONES = timedelta(hours=14)
"""So far apart may two zones begin their months."""


def _connections(ctx: FleetContext, ground: Ground, scope: Scope) -> Ground:
    why = _withheld(ground, "connections")
    if why is not None:
        return _noted(ground, why)
    since, until = ground.span
    try:
        found = list(ctx.fleet.connections(since, until))
    except FailedError as error:
        return _noted(ground, _unreadable("the connection log", error))
    return replace(ground, connections=choosing.connections(scope, ground.observation, found))


def _usage(ctx: FleetContext, ground: Ground, scope: Scope) -> Ground:  # noqa: ARG001 - as others
    if ground.connections is not None:
        return ground
    since, until = ground.span
    try:
        found: list[Usage] = ctx.fleet.usage(since, until)
    except FailedError as error:
        return _noted(ground, _unreadable("the backend's own count of hours", error))
    return replace(ground, usage=tuple(found))


def _audit(ctx: FleetContext, ground: Ground, scope: Scope) -> Ground:  # noqa: ARG001 - as others
    if ground.observation.deployment.source("audit") is not Source.NATIVE:
        return _recorded(ctx, ground)
    since, until = ground.span
    try:
        found: list[AuditEntry] = list(ctx.fleet.audit(since, until))
    except FailedError as error:
        return _noted(_recorded(ctx, ground), _unreadable("the audit log", error))
    return replace(ground, entries=tuple(found))


def _recorded(ctx: FleetContext, ground: Ground) -> Ground:
    """Add what our own passes have seen running, for the months that lie in the time asked for."""
    since, until = ground.span
    with ctx.store.reading() as session:
        found = session.history.running(ctx.address, since - _ZONES, until)
    sums: dict[str, timedelta] = {}
    for one in found:
        _, end = spending.month(ctx, one.month)
        if end <= until + _ZONES or until >= ground.at:
            spent = sums.get(one.workspace_id, timedelta(0))
            sums[one.workspace_id] = spent + timedelta(seconds=one.seconds)
    return replace(ground, recorded=sums)


def _deleted(ctx: FleetContext, ground: Ground, scope: Scope) -> Ground:
    try:
        found = tuple(ctx.fleet.deleted())
    except FailedError as error:
        return _noted(replace(ground, deleted=None), _unreadable("deleted workspaces", error))
    fits = applies(scope, ground.observation)
    return replace(ground, deleted=tuple(one for one in found if fits(one)))


def _prices(ctx: FleetContext, ground: Ground, scope: Scope) -> Ground:  # noqa: ARG001 - as others
    book = spending.book(ctx)
    if book is None or not book.prices:
        return ground
    known = (*ground.workspaces, *(ground.deleted or ()))
    priced = ((one.workspace_id, book.price(one)) for one in known)
    prices = {key: price for key, price in priced if price is not None}
    return replace(ground, prices=prices, currency=book.currency)


def _standing(ctx: FleetContext, ground: Ground, scope: Scope) -> Ground:  # noqa: ARG001 - as others
    if ctx.compliance is None:
        return ground
    situation = deciding.situation(ctx, ground.observation, at=ground.at)
    decisions = decide(prepare((ctx.compliance,), situation), ground.workspaces)
    standing = {
        one.workspace.workspace_id: (one.verdicts[0].category, one.verdicts[0].reason)
        for one in decisions
    }
    return replace(ground, standing=standing)


NEEDS: dict[str, Callable[[FleetContext, Ground, Scope], Ground]] = {
    "connections": _connections,
    "usage": _usage,
    "audit": _audit,
    "deleted": _deleted,
    "prices": _prices,
    "standing": _standing,
}
"""How each is added to what a report is made from; what can't be read becomes a note."""


def _withheld(ground: Ground, feature: str) -> Note | None:
    """Return why a backend does not show something, or None."""
    features = ground.observation.deployment.features
    found = next((one for one in features if one.name == feature), None)
    if found is None or found.source is Source.NATIVE:
        return None
    return Note(f"Connections can't be seen. {found.why}", "It needs a licence with this feature.")


def _unreadable(what: str, error: CarrelError) -> Note:
    return Note(f"It was not possible to read {what}. {error.what}", error.cure)


def _noted(ground: Ground, note: Note) -> Ground:
    return replace(ground, notes=(*ground.notes, note))
