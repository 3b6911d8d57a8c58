"""The near future of a fleet, if nobody comes or goes: only the backend's own clocks go on."""

from dataclasses import replace
from datetime import datetime

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.schedule import time_to_live
from carrel.domain.fleet.workspaces import (
    Activity,
    BuildStatus,
    FleetWorkspace,
    Transition,
    Work,
)
from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Projection:
    """A fleet as it will be.

    Attributes:
        observation: As it will be seen.
        stopped: What the backend will have stopped by then, with when.
        started: What it will have started.
    """

    observation: Observation
    stopped: tuple[tuple[FleetWorkspace, datetime], ...]
    started: tuple[tuple[FleetWorkspace, datetime], ...]


def project(seen: Observation, at: datetime) -> Projection:
    """Let the backend's deadlines and autostarts come, up to a moment.

    Of autostarts the first is known: one a workspace.
    """
    spaces: list[FleetWorkspace] = []
    stopped: list[tuple[FleetWorkspace, datetime]] = []
    started: list[tuple[FleetWorkspace, datetime]] = []
    for one in seen.workspaces:
        now, begins = one, one.next_start_at if _owner_active(one, seen) else None
        if (ends := _ends(now, at)) is not None:
            stopped.append((one, ends))
            now = _turned(now, Transition.STOP, ends)
            begins = begins if begins is not None and begins >= ends else None
        if begins is not None and begins <= at and not now.on and one.dormant_at is None:
            started.append((one, begins))
            now = _begun(now, seen, begins)
            if (ends := _ends(now, at)) is not None:
                stopped.append((one, ends))
                now = _turned(now, Transition.STOP, ends)
        spaces.append(_moved(now, seen, at))
    projected = replace(seen, at=at, workspaces=tuple(spaces))
    return Projection(projected, tuple(stopped), tuple(started))


def _owner_active(one: FleetWorkspace, seen: Observation) -> bool:
    """Tell whether the backend would start it: not for a user that is dormant or suspended."""
    owner = seen.users.get(one.owner_id)
    return owner is None or owner.status == "active"


def _ends(one: FleetWorkspace, at: datetime) -> datetime | None:
    """Return when the backend stops a workspace; whoever is at work moves its deadline on."""
    build = one.build
    if not one.running or build.deadline is None or build.deadline > at:
        return None
    if not one.activity.work.active:
        return build.deadline
    last = build.max_deadline
    return last if last is not None and last <= at else None


def _moved(one: FleetWorkspace, seen: Observation, at: datetime) -> FleetWorkspace:
    """Let whoever is at work in it past its deadline have moved that, as the template allows."""
    deadline, template = one.build.deadline, seen.templates.get(one.template_id)
    if deadline is None or deadline > at or not one.running or template is None:
        return one
    bump = template.activity_bump
    if not bump or not one.activity.work.active:
        return one
    latest = one.build.max_deadline
    moved = at + bump if latest is None else min(at + bump, latest)
    return replace(one, build=replace(one.build, deadline=moved))


def _turned(one: FleetWorkspace, turn: Transition, at: datetime) -> FleetWorkspace:
    build = replace(
        one.build,
        build_id=f"{one.build.build_id}:{turn}",
        number=one.build.number + 1,
        transition=turn,
        status=BuildStatus.SUCCEEDED,
        reason="autostop" if turn is Transition.STOP else "autostart",
        created_at=at,
        started_at=at,
        completed_at=at,
        deadline=None,
        max_deadline=None,
    )
    return replace(one, build=build, activity=Activity(Work.IDLE, at, "As if nobody came."))


def _begun(one: FleetWorkspace, seen: Observation, at: datetime) -> FleetWorkspace:
    turned = _turned(one, Transition.START, at)
    template = seen.templates.get(one.template_id)
    length = time_to_live(one.ttl, template) if template is not None else one.ttl
    if length is None:
        return turned
    return replace(turned, build=replace(turned.build, deadline=at + length))
