"""AI agents that work on tasks: in bursts, until they are done or need an answer."""

from datetime import UTC, datetime, timedelta
from functools import partial

from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.simulators.coder.chance import chance, identity
from carrel.simulators.coder.living.building import Builder
from carrel.simulators.coder.living.timing import bump
from carrel.simulators.coder.model.workspaces import AppStatus, Assignment, Job, Space
from carrel.simulators.coder.model.world import World
from carrel.simulators.coder.refusals import RefusalError

ASKED = 0.7
"""How often on a day a task gets something to do."""
ENDS = (("idle", 0.55), ("complete", 0.93), ("failure", 1.0))
MESSAGES = {
    "working": "Reading the code that the change touches",
    "idle": "Waiting for an answer",
    "complete": "Opened a pull request",
    "failure": "The tests can't be run here",
}


class Assistants:
    """The AI agents of all tasks.

    Args:
        world: Where they work.
        builder: Builds when a task is resumed.
    """

    def __init__(self, world: World, builder: Builder) -> None:
        self.world = world
        self.builder = builder
        self._wanted: dict[str, timedelta] = {}
        world.on_built.append(self._built)

    def settle_in(self) -> None:
        """Plan the days of every task."""
        for task in self.world.assignments.values():
            self._plan_day(task, self.world.now)

    def say(self, space: Space, state: str) -> None:
        """Let the agent of a workspace report a state; to and from working counts as activity."""
        was = space.app.state if space.app else ""
        number = len(self.world.deeds) + self.world.revision
        space.app = AppStatus(
            identity(self.world.seed, "status", space.workspace_id, number),
            state,
            MESSAGES.get(state, state),
            self.world.now,
        )
        if (was == "working") != (state == "working"):
            space.used_at = self.world.now
            bump(self.world, space, self.world.now)
        self.world.changed(space)

    def _plan_day(self, task: Assignment, day: datetime) -> None:
        space = self.world.spaces[task.workspace_id]
        if space.deleted:
            return
        tomorrow = day + timedelta(days=1)
        self.world.agenda.at(tomorrow, partial(self._plan_day, task, tomorrow))
        luck = chance(self.world.seed, task.task_id, day.date())
        if luck.random() > ASKED:
            return
        person = self.world.people[task.owner_id]
        zone = person.habits.zone if person.habits else UTC
        morning = day.astimezone(zone).replace(hour=9, minute=0, second=0, microsecond=0)
        asked = morning.astimezone(UTC) + timedelta(hours=luck.uniform(0, 10))
        span = timedelta(minutes=luck.choice((15, 25, 40, 70, 120, 360)) * luck.uniform(0.7, 1.3))
        if asked >= self.world.now:
            self.world.agenda.at(asked, partial(self._prompt, task, span))

    def _prompt(self, task: Assignment, span: timedelta) -> None:
        space = self.world.spaces[task.workspace_id]
        if space.deleted or self.world.people[task.owner_id].status == "suspended":
            return
        if space.running:
            self._work(space, task, span)
        elif not space.latest.status.active:
            self._wanted[space.workspace_id] = span
            try:
                self.builder.ask(space, Transition.START, "task_resume", task.owner_id)
            except RefusalError:
                del self._wanted[space.workspace_id]

    def _work(self, space: Space, task: Assignment, span: timedelta) -> None:
        if space.app is not None and space.app.state == "working":
            return
        task.updated_at = self.world.now
        self.say(space, "working")
        began = space.latest.build_id
        self.world.agenda.at(self.world.now + span, partial(self._done, space, began))

    def _done(self, space: Space, began: str) -> None:
        if not space.running or space.latest.build_id != began:
            return
        luck = chance(self.world.seed, "done", space.workspace_id, self.world.now).random()
        self.say(space, next(state for state, below in ENDS if luck < below))

    def _built(self, space: Space, job: Job) -> None:
        if not space.task_id or job.status is not BuildStatus.SUCCEEDED:
            return
        task = self.world.assignments[space.task_id]
        if job.transition is Transition.START:
            span = self._wanted.pop(space.workspace_id, None)
            if span is not None:
                self._work(space, task, span)
        elif space.app is not None and space.app.state == "working":
            self.world.interrupted(space, task.owner_id, "task")
            self.say(space, "idle")
