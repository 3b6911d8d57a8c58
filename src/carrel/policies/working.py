"""Work under way is kept: AI tasks that run, what ended a moment ago, and what can't be seen."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace, TaskStatus, Work
from carrel.domain.governance.reading import Table
from carrel.domain.governance.saying import span
from carrel.domain.governance.verdicts import (
    WITHHELD,
    Decide,
    Finding,
    Policy,
    Situation,
    Verdict,
    Wish,
)
from carrel.domain.governance.withholding import said
from carrel.domain.records import dataclass

_NAME = "working"


@dataclass(frozen=True, slots=True)
class Settings:
    """`[policy.working]`.

    Attributes:
        settle: How long after an AI task's work ended it is still kept.
        longest: After so long at work it is no longer kept, and may be paused; None: never.
        keep_connected: Whether an open connection keeps, too.
    """

    settle: timedelta
    longest: timedelta | None
    keep_connected: bool


class Working:
    """Keeps working AI tasks and whatever can't be judged; connected people only if asked to."""

    name = _NAME
    summary = "Keeps AI tasks at work, and workspaces whose activity can't be seen."
    needs = frozenset[str]()
    protects = True

    def read(self, table: Mapping[str, object]) -> Settings:
        """Read `[policy.working]`."""
        top = Table(f"policy.{_NAME}", table)
        top.switch("enabled", default=True)
        found = Settings(
            top.minutes("settle_minutes", 15),
            top.hours_or_none("max_hours"),
            top.switch("keep_connected", default=False),
        )
        top.done()
        return found

    def prepare(self, settings: object, situation: Situation) -> Decide:
        """Judge activity at the moment; what may have become of unseen tasks is not guessed."""
        mine, at = cast("Settings", settings), situation.at
        tasks, links = (situation.observation.lacks(what) for what in ("tasks", "connections"))
        blind = said(tasks) if tasks else ""
        unseen = said(links) if links and mine.keep_connected else ""
        free = Verdict(_NAME, Wish.NOTHING, "No AI task is at work in it.")
        off = Verdict(_NAME, Wish.NOTHING, "It does not run.")

        def decide(workspace: FleetWorkspace) -> Verdict:
            if not workspace.on:
                return off
            why = blind if workspace.task_id else ""
            why = why or unseen
            if why:
                return Verdict(_NAME, Wish.KEEP, f"Kept to be safe: {why}", category=WITHHELD)
            if workspace.activity.work is Work.IDLE and not workspace.task_id:
                return free
            return _judge(workspace, mine, at) or free

        return decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        """Warn where working tasks are paused after a time."""
        _ = observation
        longest = cast("Settings", settings).longest
        if longest is None:
            return []
        message = f"AI tasks at work for more than {span(longest)} may be paused."
        return [Finding(_NAME, "max_hours", "note", message)]


def _judge(workspace: FleetWorkspace, mine: Settings, at: datetime) -> Verdict | None:
    activity, task = workspace.activity, workspace.task
    if activity.work is Work.WORKING or task is TaskStatus.WORKING:
        since = activity.since if activity.work is Work.WORKING else None
        until = since + mine.longest if since and mine.longest else None
        if until is not None and until <= at:
            return None
        why = activity.why if activity.work is Work.WORKING else "Its AI task is at work."
        return Verdict(_NAME, Wish.KEEP, why, until, "working")
    if activity.work is Work.UNKNOWN or task is TaskStatus.UNKNOWN:
        why = activity.why if activity.work is Work.UNKNOWN else "Its AI task can't be judged."
        return Verdict(_NAME, Wish.KEEP, f"Unknown counts as active. {why}", category="unknown")
    if activity.work is Work.CONNECTED:
        kept = Verdict(_NAME, Wish.KEEP, activity.why, category="connected")
        return kept if mine.keep_connected else None
    return _settling(workspace, mine, at)


def _settling(workspace: FleetWorkspace, mine: Settings, at: datetime) -> Verdict | None:
    """Keep for a while what an AI task has just put down: the next step may be a moment away."""
    since = workspace.activity.since
    if workspace.task is TaskStatus.NONE or since is None or since + mine.settle <= at:
        return None
    reason = f"Its AI task was at work less than {span(mine.settle)} ago."
    return Verdict(_NAME, Wish.KEEP, reason, since + mine.settle, "settling")


POLICY: Policy = Working()
