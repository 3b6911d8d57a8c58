"""The audit log and the connection log: a limit of 0 silently means 100 lines."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import TypeVar

from carrel.simulators.coder.endpoints.search import moment, refuse_unknown, terms
from carrel.simulators.coder.model.history import WEB, Deed, Link
from carrel.simulators.coder.protocol.call import Answer, Call
from carrel.simulators.coder.protocol.routing import Route
from carrel.simulators.coder.refusals import invalid
from carrel.simulators.coder.wire.history import audit_entry, connection

Row = TypeVar("Row")

SILENT_LIMIT = 100
MOST_COUNTED = 2000
AUDIT_KEYS = frozenset(
    (
        *("request_id", "resource_id", "resource_target", "username", "email", "date_from"),
        *("date_to", "organization", "resource_type", "action", "build_reason"),
    )
)
CONNECTION_KEYS = frozenset(
    (
        *("organization", "workspace_owner", "workspace_owner_email", "type", "username"),
        *("user_email", "connected_after", "connected_before", "workspace_id"),
        *("connection_id", "status"),
    )
)


def audit(call: Call) -> Answer:
    """List what was done, newest first."""
    call.need_licence("Audit log")
    call.need("audit_log", "read")
    found = terms(call.query.get("q", ""), "username")
    refuse_unknown(found, AUDIT_KEYS)
    wanted = dict(found)
    passes = _audit_test(call, wanted)
    deeds = [deed for deed in reversed(call.world.deeds) if passes(deed)]
    page = _page(call, deeds)
    return Answer(
        content={
            "audit_logs": [audit_entry(call.world, deed) for deed in page],
            "count": len(deeds),
            "count_cap": MOST_COUNTED,
        }
    )


def _audit_test(call: Call, wanted: dict[str, str]) -> Callable[[Deed], bool]:
    first, last = _day(wanted, "date_from"), _day(wanted, "date_to")

    def passes(deed: Deed) -> bool:
        person = call.world.people[deed.user_id]
        seen = {
            "username": person.username,
            "email": person.email,
            "resource_id": deed.resource_id,
            "resource_target": deed.resource,
            "resource_type": deed.resource_type,
            "action": deed.action,
            "organization": deed.organization_id,
            "build_reason": str(deed.fields.get("build_reason", "")),
        }
        same = all(wanted[key] == seen[key].lower() for key in wanted.keys() & seen.keys())
        day = deed.at.date()
        return same and (first is None or first <= day) and (last is None or day <= last)

    return passes


def _day(wanted: dict[str, str], key: str) -> date | None:
    if key not in wanted:
        return None
    try:
        return date.fromisoformat(wanted[key])
    except ValueError:
        invalid(key, f"Query param {key!r} must be a valid date format (2006-01-02)")


def connections(call: Call) -> Answer:
    """List who was connected, newest first."""
    call.need_licence("Connection log")
    call.need("connection_log", "read")
    found = terms(call.query.get("q", ""), "workspace_owner")
    refuse_unknown(found, CONNECTION_KEYS)
    links = list(_links(call, dict(found)))
    page = _page(call, links)
    return Answer(
        content={
            "connection_logs": [connection(call.world, link) for link in page],
            "count": len(links),
            "count_cap": MOST_COUNTED,
        }
    )


def _links(call: Call, wanted: dict[str, str]) -> Iterable[Link]:
    world = call.world
    after, before = _moment(wanted, "connected_after"), _moment(wanted, "connected_before")
    for link in reversed(world.links):
        if (after and link.opened_at < after) or (before and link.opened_at > before):
            continue
        space = world.spaces[link.workspace_id]
        web = link.kind in WEB
        seen = {
            "type": link.kind,
            "workspace_id": link.workspace_id,
            "workspace_owner": world.people[space.owner_id].username,
            "username": world.people[link.user_id].username if web else "",
            "status": "ongoing" if not web and link.closed_at is None else "completed",
            "organization": space.organization_id,
        }
        if all(wanted[key] == seen[key] for key in wanted.keys() & seen.keys()):
            yield link


def _moment(wanted: dict[str, str], key: str) -> datetime | None:
    return moment(key, wanted[key]) if key in wanted else None


def _page(call: Call, rows: list[Row]) -> list[Row]:
    limit = call.number("limit") or SILENT_LIMIT
    offset = call.number("offset")
    return rows[offset : offset + limit]


ROUTES = (
    Route("GET", "/audit", audit),
    Route("GET", "/connectionlog", connections),
)
