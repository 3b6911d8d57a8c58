"""What reports are made from: an observation, what was chosen of it, and what is remembered."""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta

from carrel.domain.fleet.history import AuditEntry, Connection, Usage
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import User
from carrel.domain.fleet.reports.report import Note
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.records import dataclass


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Ground:
    """What one report is made from.

    Attributes:
        at: The moment it is made for.
        observation: The whole fleet; names and templates come from it.
        workspaces: Those that the report is about.
        users: The same of users.
        whole: Nothing was left out of them.
        everything: What is usually left out is wanted too.
        since: Begin of the time asked for.
        until: Its end.
        local: Puts a moment on the reader's wall clock: days begin at the reader's midnight.
        connections: Of that time; None: they can't be seen.
        usage: What each user used in that time, where connections can't be seen; None: unknown.
        entries: The audit log of that time; None: it can't be read.
        recorded: For how long each workspace ran by our own recording, where that log can't be
            read, by workspace id.
        deleted: Deleted workspaces; None: they can't be read.
        prices: Money per running hour, by workspace id.
        currency: What prices are in; empty: there is no price book.
        standing: How each workspace stands with its time to live, and why, by workspace id.
        notes: What could not be seen.
    """

    at: datetime
    observation: Observation
    workspaces: tuple[FleetWorkspace, ...] = ()
    users: tuple[User, ...] = ()
    whole: bool = True
    everything: bool = False
    since: datetime | None = None
    until: datetime | None = None
    local: Callable[[datetime], datetime] = _utc
    connections: tuple[Connection, ...] | None = None
    usage: tuple[Usage, ...] | None = None
    entries: tuple[AuditEntry, ...] | None = None
    recorded: Mapping[str, timedelta] = field(default_factory=dict[str, timedelta])
    deleted: tuple[FleetWorkspace, ...] | None = ()
    prices: Mapping[str, float] = field(default_factory=dict[str, float])
    currency: str = ""
    standing: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    notes: tuple[Note, ...] = ()

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Begin and end of the time asked for; without any it is empty."""
        until = self.until or self.at
        return self.since or until, until

    def ends(self, connection: Connection) -> datetime:
        """Return when a connection ended; one still open ends now, for counting."""
        return connection.disconnected_at or max(self.at, connection.connected_at)

    def clipped(self, connection: Connection) -> timedelta:
        """Return how much of a connection lies in the time asked for."""
        since, until = self.span
        begin, end = max(connection.connected_at, since), min(self.ends(connection), until)
        return max(end - begin, timedelta(0))
