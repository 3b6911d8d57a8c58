"""The clocks of a running workspace: deadlines when a start ends, moved ahead by activity."""

from datetime import datetime, timedelta

from carrel.domain.fleet.schedule import (
    DailyTime,
    Deadlines,
    bumped,
    deadlines,
    parse_daily,
    time_to_live,
)
from carrel.simulators.coder.living.cron import next_start
from carrel.simulators.coder.model.history import Licence
from carrel.simulators.coder.model.workspaces import Space
from carrel.simulators.coder.model.world import World

STEPS = 20
"""While somebody is connected, a deadline moves this often within one bump."""


def quiet_hours(world: World, user_id: str) -> DailyTime | None:
    """Return a user's quiet hours; None when the deployment has none."""
    setup = world.setup
    if setup.licence is not Licence.PREMIUM or not setup.quiet_schedule:
        return None
    own = world.people[user_id].quiet_hours if setup.quiet_custom else ""
    return parse_daily(own or setup.quiet_schedule)


def following_start(world: World, space: Space, after: datetime) -> datetime | None:
    """Return a workspace's first autostart after a moment."""
    blueprint = world.blueprints[space.template_id]
    if not space.autostart or not blueprint.rules.allow_user_autostart:
        return None
    return next_start(space.autostart, after, blueprint.autostart_days)


def upcoming(world: World, space: Space, after: datetime) -> datetime | None:
    """Return the next autostart after a moment, kept with the workspace until it has passed."""
    if space.next_start_at is not None and space.next_start_at <= after:
        space.next_start_at = following_start(world, space, after)
    return space.next_start_at


def wind(world: World, space: Space) -> Deadlines:
    """Work out the deadlines of a start that ended now."""
    rules = world.blueprints[space.template_id].rules
    return deadlines(
        world.now,
        space.ttl,
        rules,
        next_start=lambda moment: following_start(world, space, moment),
        quiet=quiet_hours(world, space.owner_id),
        leeway=world.setup.leeway,
    )


def bump(world: World, space: Space, at: datetime) -> bool:
    """Let activity at a moment move a running workspace's deadline; return whether it did."""
    job = space.latest
    if not space.running or job.clock.deadline is None:
        return False
    rules = world.blueprints[space.template_id].rules
    moved = bumped(
        at,
        job.clock,
        rules.activity_bump,
        ttl=time_to_live(space.ttl, rules),
        following=upcoming(world, space, at),
    )
    if moved == job.clock.deadline:
        return False
    job.clock = Deadlines(moved, job.clock.max_deadline)
    return True


def settle(world: World, space: Space) -> bool:
    """Move the deadline to where the connections so far have moved it; return whether it did.

    Only the last of the moments at which a connection reports counts, so nothing needs to happen
    in between, and looking more often changes nothing.
    """
    since = space.connected_since
    if since is None:
        return False
    step = world.blueprints[space.template_id].rules.activity_bump / STEPS + timedelta(seconds=1)
    return bump(world, space, since + (world.now - since) // step * step)
