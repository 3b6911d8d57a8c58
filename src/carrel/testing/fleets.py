"""A working fleet in memory, and named ways in which it misbehaves."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from carrel.domain.fleet.deployment import Deployment
from carrel.domain.fleet.history import AuditEntry, Connection, Usage
from carrel.domain.fleet.naming import named
from carrel.domain.fleet.observation import Gap, Observation
from carrel.domain.fleet.people import Group, Organization, QuietHours, User
from carrel.domain.fleet.templates import Template
from carrel.domain.fleet.workspaces import (
    Activity,
    Build,
    BuildStatus,
    FleetWorkspace,
    TaskStatus,
    Transition,
    Work,
)
from carrel.errors import FailedError, NotFoundError
from carrel.ports.clock import Clock
from carrel.ports.fleet import Outcome, Queue, Receipt

ADDRESS = "https://coder.example.org"


class Misbehaviour(StrEnum):
    """How a fleet may treat a request for one workspace."""

    CONFLICT = "conflict"
    """Another build is under way, though nothing showed it."""
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    """No answer, and no effect."""
    LOST_ANSWER = "lost_answer"
    """The effect comes, the answer does not."""
    FAILS = "fails"
    """The build is taken and fails."""
    SLOW = "slow"
    """The build takes a day."""
    NEVER_SEEN = "never_seen"
    """Accepted, but no build ever comes of it."""


class FakeFleet:
    """Implements `ports.fleet.Fleet` over values; builds take time by the clock it is given.

    Attributes:
        workspaces: By id, as they are when all that is due has happened.
        misbehaving: Ways to treat requests, by workspace id; they stay until taken out.
        requests: What was asked to change: deed and workspace id, in order.
        pending: How many jobs wait, for `queue`.
        paused: Whether prebuilds are paused; None: there are none.
        gaps: What can't be seen.
    """

    def __init__(self, clock: Clock, *, build_time: timedelta = timedelta(seconds=20)) -> None:
        self._clock = clock
        self._build_time = build_time
        self._history: dict[str, list[Build]] = {}
        self.workspaces: dict[str, FleetWorkspace] = {}
        self.misbehaving: dict[str, Misbehaviour] = {}
        self.requests: list[tuple[str, str]] = []
        self.templates = {"t-1": Template("t-1", "python", "o-1")}
        self.users: dict[str, User] = {}
        self.groups = {"g-1": Group("g-1", "developers", "o-1")}
        self.pending = 0
        self.paused: bool | None = None
        self.gaps: tuple[Gap, ...] = ()

    def add(self, name: str, owner: str = "ada", **changes: object) -> FleetWorkspace:
        """Add a workspace that has been running and idle for two hours; keywords replace fields."""
        now = self._clock.now()
        began = now - timedelta(hours=2)
        number = len(self.workspaces) + 1
        build = Build(
            build_id=f"b-{number}-1",
            number=1,
            transition=Transition.START,
            status=BuildStatus.SUCCEEDED,
            reason="initiator",
            initiator=owner,
            created_at=began,
            started_at=began,
            completed_at=began,
        )
        plain = FleetWorkspace(
            workspace_id=f"w-{number}",
            name=name,
            owner_id=f"u-{owner}",
            owner=owner,
            organization_id="o-1",
            organization="main",
            template_id="t-1",
            template="python",
            build=build,
            created_at=began,
            last_used_at=began,
            activity=Activity(Work.IDLE, began, "Nobody is connected."),
        )
        made: FleetWorkspace = replace(plain, **changes)  # type: ignore[arg-type]
        self.workspaces[made.workspace_id] = made
        self._history[made.workspace_id] = [made.build]
        groups = frozenset({"g-1"})
        self.users.setdefault(
            made.owner_id, User(made.owner_id, owner, f"{owner}@example.org", groups=groups)
        )
        return made

    def change(self, workspace_id: str, **changes: object) -> FleetWorkspace:
        """Replace fields of a workspace, as if somebody had done it."""
        made: FleetWorkspace = replace(self.workspaces[workspace_id], **changes)  # type: ignore[arg-type]
        self.workspaces[workspace_id] = made
        return made

    def restart(self, workspace_id: str, reason: str = "initiator") -> None:
        """Let its owner start a workspace, at once."""
        self._finish()
        self._build(workspace_id, Transition.START, reason, timedelta(0))
        self._finish()

    def deployment(self) -> Deployment:
        """Tell where it is."""
        return Deployment(ADDRESS, "d-1", "v2.35.3", "carrel")

    def observe(self, previous: Observation | None = None) -> Observation:  # noqa: ARG002
        """See everything."""
        self._finish()
        return Observation(
            at=self._clock.now(),
            deployment=self.deployment(),
            workspaces=tuple(sorted(self.workspaces.values(), key=lambda one: one.full_name)),
            templates=dict(self.templates),
            users=dict(self.users),
            groups=dict(self.groups),
            organizations={"o-1": Organization("o-1", "main")},
            gaps=self.gaps,
        )

    def workspace(self, workspace_id: str) -> FleetWorkspace:
        """See one workspace."""
        self._finish()
        found = self.workspaces.get(workspace_id)
        if found is None:
            raise NotFoundError("unknown_fleet_workspace", f"There is no {workspace_id}.")
        return found

    def look(self, name: str) -> Observation:
        """See one workspace by name or id, and everything around it."""
        seen = self.observe()
        return replace(seen, workspaces=(named(seen.workspaces, name, ADDRESS),))

    def builds(self, workspace_id: str, since: datetime | None = None) -> list[Build]:
        """Return builds, newest first."""
        self._finish()
        known = self._history.get(workspace_id, [])
        return [
            one
            for one in reversed(known)
            if since is None or (one.created_at is not None and one.created_at >= since)
        ]

    def build(self, build_id: str) -> Build:
        """See one build."""
        self._finish()
        for builds in self._history.values():
            for one in builds:
                if one.build_id == build_id:
                    return one
        raise NotFoundError("unknown_fleet_workspace", f"There is no build {build_id}.")

    def queue(self) -> Queue:
        """Tell how busy it is."""
        return Queue(self.pending, 0)

    def quiet_hours(self, user_id: str) -> QuietHours | None:
        """Return a user's quiet hours."""
        return self.users[user_id].quiet_hours

    def connections(self, since: datetime, until: datetime) -> Iterator[Connection]:  # noqa: ARG002
        """Return nothing."""
        return iter(())

    def audit(self, since: datetime, until: datetime) -> Iterator[AuditEntry]:  # noqa: ARG002
        """Return nothing."""
        return iter(())

    def usage(self, since: datetime, until: datetime) -> list[Usage]:  # noqa: ARG002
        """Return nothing."""
        return []

    def deleted(self) -> Iterator[FleetWorkspace]:
        """Return nothing."""
        return iter(())

    def stop(self, workspace: FleetWorkspace) -> Receipt:
        """Queue a stop."""
        return self._ask("stop", workspace, Transition.STOP)

    def start(self, workspace: FleetWorkspace) -> Receipt:
        """Queue a start."""
        return self._ask("start", workspace, Transition.START)

    def pause(self, workspace: FleetWorkspace) -> Receipt:
        """Pause its task: answered before there is a build."""
        receipt = self._ask("pause", workspace, Transition.STOP)
        self.change(workspace.workspace_id, task=TaskStatus.PAUSED)
        return replace(receipt, build_id="")

    def resume(self, workspace: FleetWorkspace) -> Receipt:
        """Resume its task."""
        receipt = self._ask("resume", workspace, Transition.START)
        self.change(workspace.workspace_id, task=TaskStatus.IDLE)
        return replace(receipt, build_id="")

    def delete(self, workspace: FleetWorkspace) -> Receipt:
        """Queue a deletion."""
        return self._ask("delete", workspace, Transition.DELETE)

    def set_ttl(self, workspace_id: str, ttl: timedelta | None) -> Receipt:
        """Set a time to live."""
        return self._set("set_ttl", workspace_id, ttl=ttl)

    def set_deadline(self, workspace_id: str, deadline: datetime) -> Receipt:
        """Move a deadline."""
        build = replace(self.workspace(workspace_id).build, deadline=deadline)
        self._history[workspace_id][-1] = build
        return self._set("set_deadline", workspace_id, build=build)

    def set_dormant(self, workspace_id: str, *, dormant: bool) -> Receipt:
        """Make dormant or wake."""
        at = self._clock.now() if dormant else None
        return self._set("set_dormant", workspace_id, dormant_at=at)

    def set_autostart(self, workspace_id: str, schedule: str) -> Receipt:
        """Set the autostart schedule."""
        return self._set("set_autostart", workspace_id, autostart=schedule)

    def prebuilds_paused(self) -> bool | None:
        """Tell whether prebuilds are paused."""
        return self.paused

    def set_prebuilds_paused(self, *, paused: bool) -> Receipt:
        """Pause prebuilds or let them go on."""
        self.requests.append(("set_prebuilds_paused", ""))
        self.paused = paused
        return Receipt(Outcome.ACCEPTED)

    def close(self) -> None:
        """Close nothing."""

    def asked(self, deed: str) -> list[str]:
        """Return the workspaces that a deed was asked for, in order."""
        return [workspace_id for name, workspace_id in self.requests if name == deed]

    def _set(self, deed: str, workspace_id: str, **changes: object) -> Receipt:
        self.requests.append((deed, workspace_id))
        how = self.misbehaving.get(workspace_id)
        if how in {Misbehaviour.REFUSED, Misbehaviour.UNCERTAIN}:
            return Receipt(Outcome(how), why="Misbehaving.")
        self.change(workspace_id, **changes)
        if how is Misbehaviour.LOST_ANSWER:
            raise _unreachable()
        return Receipt(Outcome.ACCEPTED)

    def _ask(self, deed: str, workspace: FleetWorkspace, transition: Transition) -> Receipt:
        self._finish()
        workspace_id = workspace.workspace_id
        self.requests.append((deed, workspace_id))
        how = self.misbehaving.get(workspace_id)
        if how in _REFUSALS:
            return Receipt(Outcome(str(how)), why="Misbehaving.")
        if how is Misbehaviour.NEVER_SEEN:
            return Receipt(Outcome.ACCEPTED)
        if self.workspaces[workspace_id].build.status.active:
            return Receipt(Outcome.CONFLICT, why="A build is under way.")
        length = timedelta(days=1) if how is Misbehaviour.SLOW else self._build_time
        build = self._build(workspace_id, transition, "dashboard", length)
        if how is Misbehaviour.LOST_ANSWER:
            raise _unreachable()
        return Receipt(Outcome.ACCEPTED, build.build_id)

    def _build(
        self, workspace_id: str, transition: Transition, reason: str, length: timedelta
    ) -> Build:
        now, history = self._clock.now(), self._history[workspace_id]
        number = history[-1].number + 1
        build = Build(
            build_id=f"b-{workspace_id}-{number}",
            number=number,
            transition=transition,
            status=BuildStatus.RUNNING,
            reason=reason,
            initiator="carrel" if reason == "dashboard" else "somebody",
            created_at=now,
            started_at=now,
            completed_at=now + length,
        )
        history.append(build)
        self.change(workspace_id, build=build)
        return build

    def _finish(self) -> None:
        """Let every build end whose time has come."""
        for workspace_id, history in self._history.items():
            build = history[-1]
            ends = build.completed_at
            if build.status is BuildStatus.RUNNING and ends and ends <= self._clock.now():
                fails = self.misbehaving.get(workspace_id) is Misbehaviour.FAILS
                status = BuildStatus.FAILED if fails else BuildStatus.SUCCEEDED
                error = "The provisioner gave up." if fails else ""
                history[-1] = replace(build, status=status, error=error)
                self.change(workspace_id, build=history[-1])


_REFUSALS = {Misbehaviour.CONFLICT, Misbehaviour.REFUSED, Misbehaviour.UNCERTAIN}


def _unreachable() -> FailedError:
    return FailedError("fleet_unreachable", "The deployment does not answer.")


class Postbox:
    """A notifier that keeps what it is given.

    Attributes:
        sent: Address, title and body of every message.
        broken: Addresses that nothing can be delivered to.
    """

    def __init__(self, broken: Iterable[str] = ()) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.broken = set(broken)

    def send(self, address: str, title: str, body: str) -> None:
        """Keep a message."""
        if address in self.broken:
            raise FailedError("not_delivered", "A message could not be delivered.")
        self.sent.append((address, title, body))

    def shown(self, address: str) -> str:
        """Return the scheme alone."""
        return f"{address.partition('://')[0]}://***"
