"""A Coder deployment as a fleet: reading is repeated where it helps, a change is sent once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from carrel.backends.coder import history
from carrel.backends.coder.address import checked_address
from carrel.backends.coder.answers import answer_unknown
from carrel.backends.coder.client import Client
from carrel.backends.coder.deeds import Deeds
from carrel.backends.coder.features import find_out
from carrel.backends.coder.looking import Look
from carrel.backends.coder.memory import Memory
from carrel.backends.coder.observing import observe
from carrel.backends.coder.ownhours import OwnHours
from carrel.backends.coder.paging import walk
from carrel.backends.coder.people import read_quiet_hours
from carrel.backends.coder.reading import Record, record, text
from carrel.backends.coder.tasks import NO_TASK, one_task
from carrel.backends.coder.throttle import Throttle
from carrel.backends.coder.timing import Watch
from carrel.backends.coder.tokens import Token
from carrel.backends.coder.travelling import Travel
from carrel.backends.coder.workspaces import Sight, finished, read_build, read_sight
from carrel.domain.fleet.deployment import Deployment, Source
from carrel.domain.fleet.history import AuditEntry, Connection, Usage
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import QuietHours
from carrel.domain.fleet.workspaces import Build, FleetWorkspace, Transition
from carrel.errors import FailedError, NotFoundError
from carrel.ports.clock import Clock
from carrel.ports.fleet import Queue, Receipt
from carrel.system.collector import put_off

_KNOWN_FOR = timedelta(minutes=10)
"""So long what was found out of a deployment counts for observations."""
_BY_NETWORK = Travel()
_BUILDS_PAGE = 100
_QUEUE_MOST = 500
_ABSENT = frozenset({"fleet_not_offered"})


class Coder:
    """One Coder deployment, with the rights of one token. Safe for threads; implements `Fleet`.

    Args:
        url: Its address: scheme and host.
        token: Whose rights.
        clock: What tells the time and waits.
        travel: How requests travel.

    Raises:
        BadInputError: `bad_coder_url` or `bad_ca_file`.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        clock: Clock,
        travel: Travel = _BY_NETWORK,
    ) -> None:
        self._watch = Watch(clock)
        throttle = Throttle(self._watch.pacing, travel.per_minute)
        self._client = Client(checked_address(url), token, throttle, travel, self._watch)
        self._clock = clock
        self._memory = Memory()
        self._own = OwnHours(self._client)
        self._deeds = Deeds(self._client, lambda workspace_id: self._sight(workspace_id).workspace)
        self._known: tuple[datetime, Deployment] | None = None
        self._observing = Lock()

    def __repr__(self) -> str:
        return f"Coder({self._client.address})"

    def close(self) -> None:
        """Close all connections to the deployment."""
        self._client.close()

    def deployment(self) -> Deployment:
        """Find out version, features and permissions."""
        found = find_out(self._client)
        self._known = (self._clock.now(), found)
        return found

    def observe(self, previous: Observation | None = None) -> Observation:
        """See the whole fleet. What is byte for byte as last time is not decoded again."""
        with self._observing:
            at = self._clock.now()
            if previous is not None and previous.deployment.url == self._client.address:
                self._own.take_over(previous)
            known = self._deployment(at)
            with put_off():
                seen = observe(self._client, self._memory, self._own, known, at)
            self._watch.agree(self._client.address)
            return seen

    def workspace(self, workspace_id: str) -> FleetWorkspace:
        """See one workspace anew, its activity included."""
        return self._finished(self._sight(workspace_id))

    def look(self, name: str) -> Observation:
        """See one workspace by name or id, and what policies need to judge it."""
        at = self._clock.now()
        return Look(self._client, at, self._finished).see(name, lambda: self._deployment(at))

    def builds(self, workspace_id: str, since: datetime | None = None) -> list[Build]:
        """Return the builds of a workspace, newest first."""
        found: dict[str, Build] = {}
        path = f"/workspaces/{workspace_id}/builds"
        asked: dict[str, str | int] = {"limit": _BUILDS_PAGE}
        if since is not None:
            asked["since"] = history.plain(since)
        held = 0
        while items := self._builds_page(workspace_id, path, {**asked, "offset": held}):
            found.update((text(item.get("id")), read_build(item)) for item in items)
            held += len(items)
        return sorted(found.values(), key=lambda build: build.number, reverse=True)

    def build(self, build_id: str) -> Build:
        """See one build anew."""
        path = f"/workspacebuilds/{build_id}"
        found = read_build(record(self._client.document(path)))
        if not found.build_id:
            raise answer_unknown(self._client.address, path, "It is no build.")
        return found

    def queue(self) -> Queue:
        """See how busy the provisioners are: those of all organizations."""
        organizations = self._items("/organizations", {})
        names = [text(item.get("id")) for item in organizations]
        return Queue(
            pending=sum(self._jobs(name, "pending") for name in names),
            running=sum(self._jobs(name, "running") for name in names),
        )

    def quiet_hours(self, user_id: str) -> QuietHours | None:
        """Return a user's quiet hours; None when the backend offers none."""
        if self._deployment(self._clock.now()).source("quiet_hours") is not Source.NATIVE:
            return None
        try:
            answer = self._client.document(f"/users/{user_id}/quiet-hours")
        except FailedError as error:
            if error.code in _ABSENT:
                return None
            raise
        return read_quiet_hours(answer)

    def connections(self, since: datetime, until: datetime) -> Iterator[Connection]:
        """Return the connections that were open at some time between two moments.

        One that had ended by now counts if it began less than three days before `since`.
        """
        return history.connections(self._client, since, until)

    def audit(self, since: datetime, until: datetime) -> Iterator[AuditEntry]:
        """Return what the backend's audit log says, newest first."""
        return history.audit(self._client, since, until)

    def usage(self, since: datetime, until: datetime) -> list[Usage]:
        """Return for how long users were connected; the span is widened to what Coder takes."""
        return history.usage(self._client, since, until)

    def deleted(self) -> Iterator[FleetWorkspace]:
        """Return workspaces that were deleted, as far as the backend remembers them."""
        at = self._clock.now()
        for item in walk(self._client, "/workspaces", "workspaces", "status:deleted", 200):
            sight = read_sight(item)
            if sight is not None:
                done = replace(sight.workspace, task_id="")  # a task that is gone tells nothing
                yield finished(replace(sight, workspace=done), NO_TASK, None, at)

    def stop(self, workspace: FleetWorkspace) -> Receipt:
        """Queue a stop build; never sent twice."""
        return self._deeds.build(workspace, Transition.STOP)

    def start(self, workspace: FleetWorkspace) -> Receipt:
        """Queue a start build; never sent twice."""
        return self._deeds.build(workspace, Transition.START)

    def pause(self, workspace: FleetWorkspace) -> Receipt:
        """Pause the AI task that a workspace works for."""
        return self._deeds.pause(workspace)

    def resume(self, workspace: FleetWorkspace) -> Receipt:
        """Resume the AI task that a workspace works for."""
        return self._deeds.resume(workspace)

    def delete(self, workspace: FleetWorkspace) -> Receipt:
        """Queue a delete build; never sent twice."""
        return self._deeds.build(workspace, Transition.DELETE)

    def set_ttl(self, workspace_id: str, ttl: timedelta | None) -> Receipt:
        """Set a workspace's own time to live. None also clears a running build's deadline."""
        return self._deeds.set_ttl(workspace_id, ttl)

    def set_deadline(self, workspace_id: str, deadline: datetime) -> Receipt:
        """Move the deadline of a running workspace, either way; at least 30 minutes ahead."""
        return self._deeds.set_deadline(workspace_id, deadline)

    def set_dormant(self, workspace_id: str, *, dormant: bool) -> Receipt:
        """Make a workspace dormant, or wake it. Stops and starts nothing by itself."""
        return self._deeds.set_dormant(workspace_id, dormant=dormant)

    def set_autostart(self, workspace_id: str, schedule: str) -> Receipt:
        """Set the autostart schedule; empty: none."""
        return self._deeds.set_autostart(workspace_id, schedule)

    def prebuilds_paused(self) -> bool | None:
        """Tell whether prebuild reconciliation is paused; None when there is none to pause."""
        path = "/prebuilds/settings"
        try:
            paused = record(self._client.document(path)).get("reconciliation_paused")
        except FailedError as error:
            if error.code in _ABSENT or self._unlicensed(error, "prebuilds"):
                return None
            raise
        if not isinstance(paused, bool):
            raise answer_unknown(self._client.address, path, "It does not tell.")
        return paused

    def set_prebuilds_paused(self, *, paused: bool) -> Receipt:
        """Pause prebuild reconciliation, or let it go on."""
        return self._deeds.set_prebuilds_paused(paused=paused, is_paused=self.prebuilds_paused)

    def _unlicensed(self, error: FailedError, feature: str) -> bool:
        """Tell whether a refusal is for want of a licence, not of a right."""
        if error.code != "fleet_forbidden":
            return False
        return self._deployment(self._clock.now()).source(feature) is not Source.NATIVE

    def _finished(self, sight: Sight) -> FleetWorkspace:
        """Add who is at work in it."""
        self._watch.agree(self._client.address)
        task = one_task(self._client, sight.workspace)
        at = self._clock.now()
        return finished(sight, task, self._connections(sight, at), at)

    def _sight(self, workspace_id: str) -> Sight:
        """See one workspace anew, without asking who is at work in it."""
        path = f"/workspaces/{workspace_id}"
        try:
            sight = read_sight(record(self._client.document(path)))
        except FailedError as error:
            if error.code in _ABSENT:
                raise _unknown_workspace(workspace_id) from error
            raise
        if sight is None:
            raise answer_unknown(self._client.address, path, "It is no workspace.")
        return sight

    def _deployment(self, at: datetime) -> Deployment:
        known = self._known
        if known is not None and timedelta(0) <= at - known[0] < _KNOWN_FOR:
            return known[1]
        return self.deployment()

    def _connections(self, sight: Sight, at: datetime) -> tuple[Connection, ...] | None:
        """Return a workspace's open connections; None when they can't be seen."""
        if not sight.workspace.running:
            return ()
        if self._deployment(at).source("connections") is not Source.NATIVE:
            return None
        try:
            found = history.open_connections(
                self._client, f"workspace_id:{sight.workspace.workspace_id}"
            )
        except FailedError as error:
            if error.code == "token_refused":
                raise
            return None
        return tuple(found)

    def _builds_page(
        self, workspace_id: str, path: str, asked: dict[str, str | int]
    ) -> list[Record]:
        try:
            return self._items(path, asked)
        except FailedError as error:
            if error.code in _ABSENT:
                raise _unknown_workspace(workspace_id) from error
            raise

    def _jobs(self, organization_id: str, status: str) -> int:
        path = f"/organizations/{organization_id}/provisionerjobs"
        asked: dict[str, str | int] = {"status": status, "limit": _QUEUE_MOST}
        return len(self._items(path, asked))

    def _items(self, path: str, asked: dict[str, str | int]) -> list[Record]:
        return self._client.items(path, self._client.document(path, asked))


def _unknown_workspace(workspace_id: str) -> NotFoundError:
    return NotFoundError(
        "unknown_fleet_workspace",
        f"The deployment shows no workspace {workspace_id!r}.",
        why="It was deleted, or the token may not see it.",
        cure="`carrel fleet ls` shows what can be seen.",
    )
