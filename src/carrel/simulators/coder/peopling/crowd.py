"""People who come, connect, go, and come back to what was stopped."""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.domain.records import dataclass
from carrel.simulators.coder.chance import chance, share
from carrel.simulators.coder.living.building import Builder
from carrel.simulators.coder.living.making import Wish, make
from carrel.simulators.coder.model.history import Link
from carrel.simulators.coder.model.people import Habits, Manner, Person
from carrel.simulators.coder.model.workspaces import Job, Space
from carrel.simulators.coder.model.world import World
from carrel.simulators.coder.peopling.days import visits
from carrel.simulators.coder.refusals import RefusalError

AGAIN = timedelta(minutes=5)
"""Somebody who could not get in tries again after so long."""
TRIES = 12
NEW, OLD = 0.010, 0.008
"""How often on a day a person makes a workspace, or deletes one."""
AWAY = 0.06
"""The share of weeks that a person is on holiday."""
REASONS = {"vscode": "vscode_connection", "jetbrains": "jetbrains_connection"}


@dataclass(slots=True, eq=False)
class Presence:
    """One visit that has begun.

    Attributes:
        user_id: Whose.
        workspace_id: Where.
        kind: By what.
        leaves: When the person goes away.
        ends: When the connection ends.
        link: The connection while it is open.
        tries: How often it was tried in vain, or taken away.
    """

    user_id: str
    workspace_id: str
    kind: str
    leaves: datetime
    ends: datetime
    link: Link | None = None
    tries: int = 0


class Crowd:
    """All people of a world.

    Args:
        world: Where they live.
        builder: Builds what they ask for.
    """

    def __init__(self, world: World, builder: Builder) -> None:
        self.world = world
        self.builder = builder
        self._present: dict[str, list[Presence]] = {}
        world.on_built.append(self._built)

    def present_in(self, workspace_id: str) -> list[Presence]:
        """Return the visits of a workspace that have begun and are not over."""
        return list(self._present.get(workspace_id, []))

    def settle_in(self) -> None:
        """Plan the days of everybody, from the day it is where each lives."""
        for person in self.world.people.values():
            if person.habits is not None:
                self._plan_day(person, self.world.now.astimezone(person.habits.zone).date())

    def _plan_day(self, person: Person, day: date) -> None:
        habits = person.habits
        if habits is None:
            return
        tomorrow = day + timedelta(days=1)
        self.world.agenda.at(_midnight(habits, tomorrow), partial(self._plan_day, person, tomorrow))
        if person.status == "suspended" or self._away(person, habits, day):
            return
        luck = chance(self.world.seed, person.username, day)
        for visit in visits(habits, day, len(person.desk), luck):
            begins = visit.begins.astimezone(UTC)
            if begins >= self.world.now:
                presence = Presence(
                    person.user_id,
                    person.desk[visit.desk],
                    visit.kind,
                    visit.leaves.astimezone(UTC),
                    visit.ends.astimezone(UTC),
                )
                self.world.agenda.at(begins, partial(self._arrive, presence))
        self._housekeeping(person, habits, day)

    def _away(self, person: Person, habits: Habits, day: date) -> bool:
        if habits.manner is Manner.MACHINE:
            return False
        week = day.isocalendar()[:2]
        return share(self.world.seed, "holiday", person.username, week) < AWAY

    def _housekeeping(self, person: Person, habits: Habits, day: date) -> None:
        if day.weekday() not in habits.weekdays or habits.manner in {Manner.GONE, Manner.MACHINE}:
            return
        luck = share(self.world.seed, "housekeeping", person.username, day)
        ten = _midnight(habits, day) + timedelta(hours=10)
        if ten < self.world.now:
            return
        if luck < NEW:
            self.world.agenda.at(ten, partial(self._make, person, f"try-{day:%m%d}"))
        elif luck > 1 - OLD and len(person.desk) > 1:
            self.world.agenda.at(ten, partial(self._delete, person, person.desk[-1]))

    def _make(self, person: Person, name: str) -> None:
        if person.desk and person.status != "suspended":
            main = self.world.spaces[person.desk[0]]
            wish = Wish(name, person.user_id, main.template_id, main.ttl)
            with suppress(RefusalError):
                make(self.world, self.builder, wish)

    def _delete(self, person: Person, workspace_id: str) -> None:
        space = self.world.spaces[workspace_id]
        if not space.deleted and not space.latest.status.active and not space.task_id:
            self.builder.ask(space, Transition.DELETE, "dashboard", person.user_id)

    # --- coming and going ------------------------------------------------------------------

    def _arrive(self, presence: Presence) -> None:
        """Connect, or start what is stopped, or try again later."""
        space = self.world.spaces[presence.workspace_id]
        person = self.world.people[presence.user_id]
        over = self.world.now >= presence.ends or presence.tries > TRIES
        if over or space.deleted or person.status == "suspended":
            self._leave(presence)
            return
        here = self._present.setdefault(space.workspace_id, [])
        if presence not in here:
            here.append(presence)
        if space.running and space.machine is not None:
            self._connect(presence, space)
        elif not space.latest.status.active:
            self._start(presence, space)
        elif space.latest.transition is not Transition.START:
            self._later(presence)

    def _connect(self, presence: Presence, space: Space) -> None:
        if presence.link is None or presence.link.closed_at is not None:
            presence.link = self.world.open_link(space, presence.user_id, presence.kind)
            self.world.agenda.at(presence.ends, partial(self._leave, presence))

    def _start(self, presence: Presence, space: Space) -> None:
        reason = REASONS.get(presence.kind, "ssh_connection")
        if space.dormant_at is not None or presence.kind in {"workspace_app", "reconnecting_pty"}:
            reason = "dashboard"
        try:
            self.builder.ask(space, Transition.START, reason, presence.user_id)
        except RefusalError:
            self._later(presence)

    def _later(self, presence: Presence) -> None:
        presence.tries += 1
        self.world.agenda.at(self.world.now + AGAIN, partial(self._arrive, presence))

    def _leave(self, presence: Presence) -> None:
        if self.world.now < presence.ends and presence.link and presence.link.closed_at is None:
            return
        here = self._present.get(presence.workspace_id, [])
        if presence in here:
            here.remove(presence)
        if presence.link is not None:
            self.world.close_link(presence.link)

    def _built(self, space: Space, job: Job) -> None:
        """Come in when a start has ended; come back when a stop has thrown somebody out."""
        if job.status is not BuildStatus.SUCCEEDED:
            for presence in self._present.get(space.workspace_id, []):
                self._later(presence)
            return
        for presence in list(self._present.get(space.workspace_id, [])):
            if job.transition is Transition.START:
                self._arrive(presence)
            elif job.transition is Transition.STOP and presence.link is not None:
                self._thrown_out(presence, space)

    def _thrown_out(self, presence: Presence, space: Space) -> None:
        person = self.world.people[presence.user_id]
        at_work = self.world.now < presence.leaves
        if at_work:
            self.world.interrupted(space, presence.user_id, "person")
        flaps = person.habits is not None and person.habits.manner is Manner.FLAPPING
        if not at_work and not (flaps and presence.kind in REASONS):
            self._present[space.workspace_id].remove(presence)
            return
        presence.tries += 1
        luck = share(self.world.seed, "back", space.workspace_id, space.latest.number)
        seconds = 60 + 180 * luck if at_work else 20 + 60 * luck
        self.world.agenda.at(
            self.world.now + timedelta(seconds=int(seconds)), partial(self._arrive, presence)
        )


def _midnight(habits: Habits, day: date) -> datetime:
    return datetime.combine(day, time(), habits.zone).astimezone(UTC)
