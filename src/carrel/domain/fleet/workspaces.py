"""A workspace of a fleet as it was seen: its clocks, its last build, and who is at work in it."""

from datetime import datetime, timedelta
from enum import StrEnum

from carrel.domain.records import dataclass


class Transition(StrEnum):
    """What a build does to a workspace."""

    START = "start"
    STOP = "stop"
    DELETE = "delete"
    UNKNOWN = "unknown"


class BuildStatus(StrEnum):
    """How far a build's job is."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELING = "canceling"
    CANCELED = "canceled"
    UNKNOWN = "unknown"

    @property
    def active(self) -> bool:
        """Whether the job has not ended."""
        return self in {BuildStatus.PENDING, BuildStatus.RUNNING, BuildStatus.CANCELING}


@dataclass(frozen=True, slots=True)
class Build:
    """One build of a workspace.

    Attributes:
        build_id: The backend's id.
        number: 1, 2, 3 … within the workspace.
        transition: What it does.
        status: How far its job is.
        reason: The backend's word for why, such as `autostop` or `vscode_connection`.
        initiator: Name of who asked.
        created_at: When it was asked for.
        started_at: When a provisioner took it.
        completed_at: When it ended, well or not.
        deadline: When the backend will stop what this build started.
        max_deadline: The latest moment that `deadline` can be moved to.
        version_id: The template version built.
        error: What the job said when it failed.
    """

    build_id: str
    number: int
    transition: Transition
    status: BuildStatus
    reason: str = ""
    initiator: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deadline: datetime | None = None
    max_deadline: datetime | None = None
    version_id: str = ""
    error: str = ""


class Work(StrEnum):
    """Whether anybody is at work in a workspace."""

    WORKING = "working"
    """An AI agent says that it is in the middle of a task."""
    CONNECTED = "connected"
    """A person or program has a connection open."""
    IDLE = "idle"
    UNKNOWN = "unknown"
    """It could not be seen; counts as active."""

    @property
    def active(self) -> bool:
        """Whether it must be taken for in use: unknown counts as active."""
        return self is not _IDLE


_IDLE = Work.IDLE


@dataclass(frozen=True, slots=True)
class Activity:
    """What was seen of work in a workspace.

    Attributes:
        work: The judgement.
        since: Since when; for idle, the last sign of work.
        why: One sentence, for a person.
    """

    work: Work
    since: datetime | None
    why: str


class TaskStatus(StrEnum):
    """What the AI task of a workspace is doing."""

    NONE = "none"
    """The workspace belongs to no task."""
    WORKING = "working"
    IDLE = "idle"
    COMPLETE = "complete"
    FAILED = "failed"
    PAUSED = "paused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FleetWorkspace:
    """One workspace of a fleet.

    Attributes:
        workspace_id: The backend's id.
        name: Its name; unique for its owner.
        owner_id: Who owns it.
        owner: The owner's username.
        organization_id: Where it belongs.
        organization: That organization's name.
        template_id: What it is made from.
        template: That template's name.
        build: Its latest build.
        created_at: When it was made.
        last_used_at: The backend's own last sign of use.
        activity: Whether anybody is at work in it.
        ttl: Its own time to live; None when it has none.
        autostart: Its cron line with `CRON_TZ=`, or empty.
        next_start_at: When the backend will start it by itself.
        dormant_at: Since when it is dormant.
        deleting_at: When the backend will delete it.
        outdated: Its template has a newer active version.
        healthy: None when unknown.
        is_prebuild: Waits in a pool, owned by nobody yet.
        task_id: The AI task it works for, or empty.
        task: What that task is doing.
        daily_credits: What the backend counts for it a day: credits, never money.
    """

    workspace_id: str
    name: str
    owner_id: str
    owner: str
    organization_id: str
    organization: str
    template_id: str
    template: str
    build: Build
    created_at: datetime
    last_used_at: datetime | None
    activity: Activity
    ttl: timedelta | None = None
    autostart: str = ""
    next_start_at: datetime | None = None
    dormant_at: datetime | None = None
    deleting_at: datetime | None = None
    outdated: bool = False
    healthy: bool | None = None
    is_prebuild: bool = False
    task_id: str = ""
    task: TaskStatus = TaskStatus.NONE
    daily_credits: int = 0

    @property
    def full_name(self) -> str:
        """`owner/name`, as people and command lines say it."""
        return f"{self.owner}/{self.name}"

    def owned_by(self, user: str) -> bool:
        """Whether a user owns it, by name or id, without regard to case."""
        return user.casefold() in {self.owner.casefold(), self.owner_id.casefold()}

    @property
    def running(self) -> bool:
        """Whether it is started, and nothing else is under way."""
        build = self.build
        return build.status is _SUCCEEDED and build.transition is _START

    @property
    def running_since(self) -> datetime | None:
        """When its start ended well; None unless it runs."""
        return (self.build.completed_at or self.build.created_at) if self.running else None

    @property
    def on(self) -> bool:
        """Whether it may hold a machine: it runs, or its last start or stop broke off."""
        build = self.build
        if build.status is _SUCCEEDED:
            return build.transition is _START
        return build.status in _BROKEN and build.transition in _TURNING

    @property
    def on_since(self) -> datetime | None:
        """Since when it may hold a machine; None unless it does."""
        return (self.build.completed_at or self.build.created_at) if self.on else None


# An enumeration's members are slow to reach, and these are asked for most often.
_SUCCEEDED, _START = BuildStatus.SUCCEEDED, Transition.START
_BROKEN = frozenset({BuildStatus.FAILED, BuildStatus.CANCELED})
_TURNING = frozenset({Transition.START, Transition.STOP})
