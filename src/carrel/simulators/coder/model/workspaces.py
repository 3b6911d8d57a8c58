"""The simulated workspaces, their builds, agents and tasks."""

from dataclasses import field
from datetime import datetime, timedelta

from carrel.domain.fleet.schedule import Deadlines
from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.domain.records import dataclass

NO_DEADLINES = Deadlines(None, None)


@dataclass(slots=True)
class Job:
    """One build and the provisioner's job that does it.

    Attributes:
        build_id: The build's id.
        job_id: The job's id.
        number: 1, 2, 3 … within the workspace.
        workspace_id: Of which workspace.
        transition: What it does.
        reason: Why it was asked for.
        initiator_id: Who asked.
        version_id: The template version it takes.
        created_at: When it was asked for.
        seconds: How long a provisioner needs for it.
        status: How far it is.
        started_at: When a provisioner took it.
        completed_at: When it ended.
        canceled_at: When somebody canceled it.
        clock: When the deployment will stop what it started.
        error: What failed.
        worker: Which provisioner took it; -1: none yet.
    """

    build_id: str
    job_id: str
    number: int
    workspace_id: str
    transition: Transition
    reason: str
    initiator_id: str
    version_id: str
    created_at: datetime
    seconds: int = 60
    status: BuildStatus = BuildStatus.PENDING
    started_at: datetime | None = None
    completed_at: datetime | None = None
    canceled_at: datetime | None = None
    clock: Deadlines = NO_DEADLINES
    error: str = ""
    worker: int = -1


@dataclass(slots=True)
class AppStatus:
    """What the AI agent of a workspace last said of itself."""

    status_id: str
    state: str
    message: str
    at: datetime


@dataclass(slots=True)
class Machine:
    """The agent process within a started workspace."""

    agent_id: str
    connected_at: datetime
    status: str = "connected"
    lifecycle: str = "ready"
    disconnected_at: datetime | None = None


@dataclass(slots=True)
class Space:
    """One workspace.

    Attributes:
        workspace_id: Its id.
        name: Unique for its owner.
        owner_id: Whose it is.
        organization_id: Where it belongs.
        template_id: What it is made from.
        created_at: Since when.
        updated_at: Its last change.
        used_at: Its last use; while somebody is connected, the present is.
        ttl: Its own time to live.
        autostart: Its cron line, or empty.
        next_start_at: The next autostart.
        dormant_at: Since when it is dormant.
        deleting_at: When it will be deleted.
        deleted: It is gone; the deployment remembers it.
        is_prebuild: It waits in a pool.
        builds: All its builds, oldest first.
        machine: Its agent while it runs.
        app: What its AI agent last said.
        task_id: The AI task it works for, or empty.
        connections: How many connections are open.
        connected_since: Since when at least one is.
        failing: So many of its next builds fail.
        due: When the lifecycle executor looks at it next.
        version: Counts changes, for what is cached about it.
    """

    workspace_id: str
    name: str
    owner_id: str
    organization_id: str
    template_id: str
    created_at: datetime
    updated_at: datetime
    used_at: datetime
    ttl: timedelta | None = None
    autostart: str = ""
    next_start_at: datetime | None = None
    dormant_at: datetime | None = None
    deleting_at: datetime | None = None
    deleted: bool = False
    is_prebuild: bool = False
    builds: list[Job] = field(default_factory=list[Job])
    machine: Machine | None = None
    app: AppStatus | None = None
    task_id: str = ""
    connections: int = 0
    connected_since: datetime | None = None
    failing: int = 0
    due: datetime | None = None
    version: int = 0

    @property
    def latest(self) -> Job:
        """The latest build."""
        return self.builds[-1]

    @property
    def running(self) -> bool:
        """Whether it is started, and nothing else is under way."""
        job = self.builds[-1]
        return job.transition is Transition.START and job.status is BuildStatus.SUCCEEDED

    @property
    def stopped(self) -> bool:
        """Whether it is stopped, and nothing else is under way."""
        job = self.builds[-1]
        return job.transition is Transition.STOP and job.status is BuildStatus.SUCCEEDED


@dataclass(slots=True)
class Assignment:
    """An AI task.

    Attributes:
        task_id: Its id.
        name: Unique for its owner.
        prompt: What was asked for.
        owner_id: Whose it is.
        workspace_id: Where it is done.
        created_at: Since when.
        updated_at: Its last change.
    """

    task_id: str
    name: str
    prompt: str
    owner_id: str
    workspace_id: str
    created_at: datetime
    updated_at: datetime
