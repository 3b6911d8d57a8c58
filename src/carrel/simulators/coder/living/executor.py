"""The deployment's own scheduler: each minute it stops, starts, puts to sleep and deletes.

It looks at a workspace only in the minute in which something about it can be due, which gives
the same as looking at all of them in every minute.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.simulators.coder.living.building import Builder
from carrel.simulators.coder.living.timing import settle
from carrel.simulators.coder.model.workspaces import Space
from carrel.simulators.coder.model.world import SYSTEM, World
from carrel.simulators.coder.refusals import RefusalError

MINUTE = timedelta(minutes=1)
FAILED_DELETE_REST = timedelta(hours=24)


class Executor:
    """Acts on workspaces by their clocks.

    Args:
        world: What it acts in.
        builder: Builds what it decides.
    """

    def __init__(self, world: World, builder: Builder) -> None:
        self.world = world
        self.builder = builder
        world.on_change.append(self.plan)

    def plan(self, space: Space) -> None:
        """Plan when to look at a workspace next."""
        due = self._due(space)
        if due is not None and due != space.due:
            self.world.agenda.at(due, partial(self._look, space, due))
        space.due = due

    def plan_all(self) -> None:
        """Plan all anew: something changed that concerns everybody."""
        for space in self.world.alive():
            space.due = None
            self.plan(space)

    def _due(self, space: Space) -> datetime | None:
        if space.deleted or space.is_prebuild or space.latest.status.active:
            return None
        if not self.world.setup.provisioners:
            return None
        moments = [
            moment
            for moment in (
                self._stop_at(space),
                self._start_at(space),
                self._cleanup_at(space),
                self._dormant_at(space),
                self._delete_at(space),
            )
            if moment is not None
        ]
        return self._tick(min(moments)) if moments else None

    def _tick(self, moment: datetime) -> datetime:
        """Return the whole minute in which a moment is acted on; one after now at the earliest."""
        if moment <= self.world.now:
            moment = self.world.now + timedelta(microseconds=1)
        floor = moment.replace(second=0, microsecond=0)
        return floor if floor == moment else floor + MINUTE

    def _look(self, space: Space, due: datetime) -> None:
        if space.due != due:
            return
        space.due = None
        with suppress(RefusalError):  # it looks again in a minute
            self._act(space)
        if space.due is None:
            self.plan(space)

    def _act(self, space: Space) -> None:
        """Do the first thing that is due."""
        if settle(self.world, space):
            self.world.changed(space)
        now = self.world.now
        if _reached(self._stop_at(space), now):
            self._build(space, Transition.STOP, "task_auto_pause" if space.task_id else "autostop")
        elif _reached(self._start_at(space), now):
            self._build(space, Transition.START, "autostart")
        elif _reached(self._cleanup_at(space), now):
            self._build(space, Transition.STOP, "autostop")
        elif _reached(self._dormant_at(space), now):
            self._put_to_sleep(space)
        elif _reached(self._delete_at(space), now):
            self._build(space, Transition.DELETE, "autodelete")

    def _build(self, space: Space, transition: Transition, reason: str) -> None:
        self.builder.ask(space, transition, reason, self.world.person(SYSTEM).user_id)

    def _put_to_sleep(self, space: Space) -> None:
        space.dormant_at = self.world.now
        rest = self.world.blueprints[space.template_id].rules.time_til_delete
        space.deleting_at = self.world.now + rest if rest else None
        if space.running:
            self._build(space, Transition.STOP, "dormancy")
        else:
            self.world.changed(space)

    def _stop_at(self, space: Space) -> datetime | None:
        if not space.running:
            return None
        if self.world.people[space.owner_id].status == "suspended":
            return self.world.now
        return None if space.dormant_at else space.latest.clock.deadline

    def _start_at(self, space: Space) -> datetime | None:
        sleeping = not space.stopped or space.dormant_at is not None
        if sleeping or self.world.people[space.owner_id].status != "active":
            return None
        return space.next_start_at

    def _cleanup_at(self, space: Space) -> datetime | None:
        job = space.latest
        ttl = self.world.blueprints[space.template_id].rules.failure_ttl
        failed = job.status is BuildStatus.FAILED and job.transition is not Transition.DELETE
        if not failed or not ttl or job.completed_at is None:
            return None
        return job.completed_at + ttl

    def _dormant_at(self, space: Space) -> datetime | None:
        rest = self.world.blueprints[space.template_id].rules.time_til_dormant
        if not rest or space.dormant_at or space.connections:
            return None
        return space.used_at + rest

    def _delete_at(self, space: Space) -> datetime | None:
        job = space.latest
        if not space.dormant_at or not space.deleting_at:
            return None
        if job.transition is Transition.DELETE and job.completed_at:
            return max(space.deleting_at, job.completed_at + FAILED_DELETE_REST)
        return space.deleting_at


def _reached(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
