"""Acting within limits: who may do an action now, what holds it, what freezes everything."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from carrel.domain.governance.plans import ASKED, STOPPING, ActionState, Deed, Purpose
from carrel.domain.governance.safety import Safety
from carrel.domain.records import dataclass


class Answer(StrEnum):
    """What became of the wish to begin an action."""

    GRANTED = "granted"
    """It is ours: its row says *sent*."""
    TAKEN = "taken"
    """Another process has begun it, or it is over."""
    FROZEN = "frozen"
    """A freeze is in force."""
    TOO_FAST = "too_fast"
    """As many stops as a minute may have were begun in the last one."""
    TOO_MANY = "too_many"
    """As many stops are under way as may be."""
    CAPPED = "capped"
    """The plan has begun as many stops as it may."""
    BROKEN = "broken"
    """Too many actions of the plan failed."""
    BESIDE = "beside"
    """Another plan has asked for a stop of the same workspace since it was looked at."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer, and what a person should know.

    Attributes:
        answer: What became of it.
        why: One sentence.
        again_at: When it is worth asking again; None: not by time.
    """

    answer: Answer
    why: str = ""
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Beginning:
    """An action that somebody wants to begin.

    Attributes:
        plan_id: Of which plan.
        number: Which action.
        at: When.
        holder: Which process, so that others can tell whether it lives.
        build_number: The workspace's latest build just before.
        before: What undo needs, as it was just before.
        looked_at: When the workspace was looked at; None: just now.
    """

    plan_id: str
    number: int
    at: datetime
    holder: str
    build_number: int = 0
    before: Mapping[str, str | int | None] = field(default_factory=dict[str, "str | int | None"])
    looked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """While it is in force, nothing is stopped and no policy acts.

    Attributes:
        by: Who asked.
        reason: Why, in their words.
        at: Since when.
    """

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A plan in a list.

    Attributes:
        plan_id: Its id.
        purpose: Why it was made.
        fleet: Address of the deployment.
        made_at: When.
        made_by: Who asked.
        undoes: Id of the plan that it takes back, or empty.
        states: How many actions are how far.
    """

    plan_id: str
    purpose: Purpose
    fleet: str
    made_at: datetime
    made_by: str
    undoes: str
    states: Mapping[ActionState, int]

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to any of its actions."""
        return all(state.over for state, count in self.states.items() if count)


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stop that a plan has done: what flapping is judged from.

    Attributes:
        workspace_id: What was stopped.
        at: When it was over.
        build_number: The workspace's build that was stopped.
        started_at: When that build had started it, where known.
        started_by: The backend's word for why it had been started.
    """

    workspace_id: str
    at: datetime
    build_number: int
    started_at: datetime | None
    started_by: str


def frozen_out(deed: Deed, purpose: Purpose) -> bool:
    """Tell whether a freeze forbids a deed.

    What a person takes back or sets by name stays possible, or a freeze would keep them from
    repairing what made them freeze; ending somebody's workspace never is.
    """
    return deed in STOPPING or purpose not in ASKED


@dataclass(frozen=True, slots=True)
class StopLimits:
    """The limits on the stops of one plan.

    Attributes:
        total: Most stops that it may begin; None: no cap.
        per_minute: Most stops begun in a minute, all plans counted.
        concurrent: Most stops under way, all plans counted.
    """

    total: int | None
    per_minute: int
    concurrent: int


def stop_limits(purpose: Purpose, safety: Safety) -> StopLimits:
    """Return the limits for a plan's purpose; an emergency stop has its own."""
    if purpose is Purpose.EMERGENCY_STOP:
        pace = safety.emergency_stops_per_minute
        return StopLimits(
            safety.max_emergency_stops or None, pace, max(pace, safety.max_concurrent_stops)
        )
    return StopLimits(safety.max_stops, safety.max_stops_per_minute, safety.max_concurrent_stops)
