"""From the wire to what a deployment remembers: connections and its audit log."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from carrel.backends.coder.client import Client
from carrel.backends.coder.paging import walk
from carrel.backends.coder.reading import Record, moment, number, record, records, text
from carrel.domain.fleet.history import AuditEntry, Connection, Usage

_LOG_PAGE = 500
"""Never 0: the logs take that for 100 rows, and say nothing."""
_LOOK_BACK = timedelta(days=3)
"""Connections that ended in a span of time are looked for from so long before it."""
_MOMENTARY = frozenset({"workspace_app", "port_forwarding"})
"""Kinds whose end is never noted: one request of a browser each."""


def open_connections(client: Client, narrowed: str) -> list[Connection]:
    """Return the connections whose end was not noted.

    Args:
        client: Whom to ask.
        narrowed: More of the search string, such as `workspace_id:…`.
    """
    query = f"status:ongoing {narrowed}".strip()
    items = walk(client, "/connectionlog", "connection_logs", query, _LOG_PAGE)
    found = [read_connection(item) for item in items]
    return [one for one in found if one is not None and one.disconnected_at is None]


def connections(client: Client, since: datetime, until: datetime) -> Iterator[Connection]:
    """Yield the connections that were open at some time between two moments."""
    begun = since - _LOOK_BACK
    spans = (
        f"connected_after:{quoted(begun)} connected_before:{quoted(until)}",
        f"status:ongoing connected_before:{quoted(begun)}",
    )
    seen: set[str] = set()
    for span in spans:
        for item in walk(client, "/connectionlog", "connection_logs", span, _LOG_PAGE):
            one = read_connection(item)
            if one is None or one.connection_id in seen:
                continue
            seen.add(one.connection_id)
            if one.connected_at <= until and (one.disconnected_at or until) >= since:
                yield one


def read_connection(item: Record) -> Connection | None:
    """Return what a row of the connection log says; None when it lacks id or moment."""
    connection_id, since = text(item.get("id")), moment(item.get("connect_time"))
    if not connection_id or since is None:
        return None
    kind = text(item.get("type"))
    ended = moment(record(item.get("ssh_info")).get("disconnect_time"))
    who = record(record(item.get("web_info")).get("user"))
    return Connection(
        connection_id=connection_id,
        workspace_id=text(item.get("workspace_id")),
        workspace=text(item.get("workspace_name")),
        owner=text(item.get("workspace_owner_username")),
        user=text(who.get("username")),
        kind=kind,
        connected_at=since,
        disconnected_at=since if kind in _MOMENTARY else ended,
    )


def audit(client: Client, since: datetime, until: datetime) -> Iterator[AuditEntry]:
    """Yield what the audit log says between two moments, newest first."""
    first, last = (at.astimezone(UTC).date().isoformat() for at in (since, until))
    query = f"date_from:{first} date_to:{last}"  # whole days are all that the log can be asked for
    for item in walk(client, "/audit", "audit_logs", query, _LOG_PAGE):
        entry = read_entry(item)
        if entry is not None and since <= entry.at <= until:
            yield entry


_DETAILS = ("description", "status_code", "is_deleted", "diff", "additional_fields")


def read_entry(item: Record) -> AuditEntry | None:
    """Return what a row of the audit log says; None when it lacks id or moment."""
    entry_id, at = text(item.get("id")), moment(item.get("time"))
    if not entry_id or at is None:
        return None
    return AuditEntry(
        entry_id=entry_id,
        at=at,
        user=text(record(item.get("user")).get("username")),
        action=text(item.get("action")),
        resource_type=text(item.get("resource_type")),
        resource=text(item.get("resource_target")),
        resource_id=text(item.get("resource_id")),
        organization_id=_organization(item),
        details={name: item[name] for name in _DETAILS if name in item},
    )


def _organization(item: Record) -> str:
    return text(item.get("organization_id")) or text(record(item.get("organization")).get("id"))


def usage(client: Client, since: datetime, until: datetime) -> list[Usage]:
    """Return for how long users were connected, as insights count it.

    Insights take nothing but a begin at midnight and an end at a full hour.
    """
    begin = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    hour = until.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    end = hour if hour == until else hour + timedelta(hours=1)
    asked = {"start_time": _whole(begin), "end_time": _whole(end)}
    answer = record(client.document("/insights/user-activity", asked))
    users = records(record(answer.get("report")).get("users"))
    return [
        Usage(
            text(one.get("user_id")),
            text(one.get("username")),
            timedelta(seconds=number(one.get("seconds"))),
        )
        for one in users
    ]


def _whole(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(at: datetime) -> str:
    """Return a moment as a parameter takes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def quoted(at: datetime) -> str:
    """Return a moment as a search string takes it: a value with colons must be quoted."""
    return f'"{plain(at)}"'
