"""From the wire to a workspace and its builds."""

from dataclasses import replace
from datetime import UTC, datetime

from carrel.backends.coder.reading import (
    Record,
    identity,
    milliseconds,
    moment,
    named,
    number,
    record,
    records,
    text,
)
from carrel.domain.fleet.activity import AgentSeen, Signals, judge
from carrel.domain.fleet.history import Connection
from carrel.domain.fleet.workspaces import (
    Activity,
    Build,
    BuildStatus,
    FleetWorkspace,
    TaskStatus,
    Transition,
    Work,
)
from carrel.domain.records import dataclass

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_JUDGED = Activity(Work.UNKNOWN, None, "Nobody looked yet.")


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """What the AI task of a workspace was doing, and since when."""

    status: TaskStatus
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """A workspace as one answer shows it, before it is known who is at work in it.

    Attributes:
        workspace: All but its activity and its task.
        agents: The agents inside.
        app_state: What an AI agent says of itself.
        app_at: When it said so.
    """

    workspace: FleetWorkspace
    agents: tuple[AgentSeen, ...]
    app_state: str
    app_at: datetime | None

    @property
    def workspace_id(self) -> str:
        """Whose sight it is."""
        return self.workspace.workspace_id


def read_sight(item: Record) -> Sight | None:
    """Return what an answer shows of a workspace; None when it has no name."""
    workspace_id, name = text(item.get("id")), text(item.get("name"))
    if not workspace_id or not name:
        return None
    latest = record(item.get("latest_build"))
    build = read_build(latest)
    agents = _agents(latest)
    said = record(item.get("latest_app_status"))
    app_state, app_at = text(said.get("state")), moment(said.get("created_at"))
    if _before_build(app_at, build):
        app_state, app_at = "", None
    base = _workspace(item, workspace_id, name, build)
    if not base.running and not base.task_id:
        base = replace(
            base,
            activity=judge(Signals(running=False, last_used_at=base.last_used_at), base.created_at),
        )
    return Sight(base, agents, app_state, app_at)


def _before_build(app_at: datetime | None, build: Build) -> bool:
    """Whether it was said in an earlier run: the agent that said it is gone."""
    return app_at is not None and build.created_at is not None and app_at < build.created_at


def _agents(latest: Record) -> tuple[AgentSeen, ...]:
    return tuple(
        AgentSeen(text(agent.get("status")), moment(agent.get("disconnected_at")))
        for resource in records(latest.get("resources"))
        for agent in records(resource.get("agents"))
    )


def _workspace(item: Record, workspace_id: str, name: str, build: Build) -> FleetWorkspace:
    healthy = record(item.get("health")).get("healthy")
    created = moment(item.get("created_at")) or build.created_at
    return FleetWorkspace(
        workspace_id=workspace_id,
        name=name,
        owner_id=text(item.get("owner_id")),
        owner=text(item.get("owner_name")),
        organization_id=text(item.get("organization_id")),
        organization=text(item.get("organization_name")),
        template_id=text(item.get("template_id")),
        template=text(item.get("template_name")),
        build=build,
        created_at=created or _LONG_AGO,
        last_used_at=moment(item.get("last_used_at")),
        activity=_NOT_JUDGED,
        ttl=milliseconds(item.get("ttl_ms")),
        autostart=text(item.get("autostart_schedule")),
        next_start_at=moment(item.get("next_start_at")),
        dormant_at=moment(item.get("dormant_at")),
        deleting_at=moment(item.get("deleting_at")),
        outdated=item.get("outdated") is True,
        healthy=healthy if isinstance(healthy, bool) else None,
        is_prebuild=item.get("is_prebuild") is True,
        task_id=identity(item.get("task_id")),
        daily_credits=number(record(item.get("latest_build")).get("daily_cost")),
    )


def read_build(item: Record) -> Build:
    """Return what an answer shows of a build; unknown where it says nothing that is understood."""
    job = record(item.get("job"))
    return Build(
        build_id=text(item.get("id")),
        number=number(item.get("build_number")),
        transition=named(Transition, item.get("transition"), Transition.UNKNOWN),
        status=named(BuildStatus, job.get("status"), BuildStatus.UNKNOWN),
        reason=text(item.get("reason")),
        initiator=text(item.get("initiator_name")),
        created_at=moment(item.get("created_at")),
        started_at=moment(job.get("started_at")),
        completed_at=moment(job.get("completed_at")),
        deadline=moment(item.get("deadline")),
        max_deadline=moment(item.get("max_deadline")),
        version_id=text(item.get("template_version_id")),
        error=text(job.get("error")),
    )


_TASK_STATES = {
    "working": TaskStatus.WORKING,
    "idle": TaskStatus.IDLE,
    "complete": TaskStatus.COMPLETE,
    "failed": TaskStatus.FAILED,
}


def read_task(item: Record) -> TaskSeen:
    """Return what a task is doing; unknown while it begins, and when it has said nothing yet."""
    status, state = text(item.get("status")), record(item.get("current_state"))
    since = moment(state.get("timestamp")) or moment(item.get("updated_at"))
    if status == "paused":
        return TaskSeen(TaskStatus.PAUSED, since)
    if status == "error":
        return TaskSeen(TaskStatus.FAILED, since)
    if status == "active":
        return TaskSeen(_TASK_STATES.get(text(state.get("state")), TaskStatus.UNKNOWN), since)
    return TaskSeen(TaskStatus.UNKNOWN, since)


def finished(
    sight: Sight, task: TaskSeen, connections: tuple[Connection, ...] | None, at: datetime
) -> FleetWorkspace:
    """Return the workspace with its task and the judgement who is at work in it.

    Args:
        sight: What was seen of it.
        task: What its task is doing.
        connections: The open ones, of whatever age; None: they could not be seen.
        at: When it was seen.
    """
    base = sight.workspace
    if not base.running and not base.task_id:
        return base
    signals = Signals(
        running=base.running,
        started_at=base.running_since,
        agents=sight.agents,
        connections=_of_this_run(connections, base.build),
        app_state=sight.app_state,
        app_at=sight.app_at,
        task=task.status,
        task_at=task.since,
        last_used_at=base.last_used_at,
    )
    return replace(base, task=task.status, activity=judge(signals, at))


def _of_this_run(
    connections: tuple[Connection, ...] | None, build: Build
) -> tuple[Connection, ...] | None:
    """Leave out what no end was noted of, but which a stop since then has ended."""
    begun = build.created_at
    if not connections or begun is None:
        return connections
    return tuple(one for one in connections if one.connected_at >= begun)
