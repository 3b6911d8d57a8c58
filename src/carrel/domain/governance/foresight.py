"""What foresight tells: what would have been stopped, whom it would have hit, what it saves."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from carrel.domain.records import dataclass


class Met(StrEnum):
    """Whom a stop would have met."""

    NOBODY = "nobody"
    CONNECTED = "connected"
    """Somebody was connected."""
    WORKING = "working"
    """An AI agent was in the middle of a task."""
    UNKNOWN = "unknown"
    """It could not be seen whether anybody was."""
    CAME_BACK = "came_back"
    """Nobody then; later, while it would still have been off, somebody came."""

    @property
    def hit(self) -> bool:
        """Whether somebody was at work at that moment, or may have been."""
        return self in {Met.CONNECTED, Met.WORKING, Met.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Halt:
    """A stop that would have been.

    Attributes:
        workspace_id: Of what.
        workspace: Its `owner/name`.
        owner: The owner's username.
        template: The template's name.
        at: When.
        policy: Which policy would have done it.
        reason: Its words.
        met: Whom it would have met.
        met_at: When somebody came back; None: not.
        until: Until when it would have stayed off: it was stopped or deleted then anyhow, or
            somebody came back.
        hours: How many running hours that saves.
        money: How much money; None: there is no price.
    """

    workspace_id: str
    workspace: str
    owner: str
    template: str
    at: datetime
    policy: str
    reason: str
    met: Met
    met_at: datetime | None
    until: datetime
    hours: float
    money: float | None


@dataclass(frozen=True, slots=True)
class Sums:
    """Running hours and money, as it was and what is saved of it.

    Attributes:
        hours: Running hours as they were.
        saved_hours: So many of them would not have been.
        money: What the hours cost that have a price.
        saved_money: So much of it would not have been spent.
    """

    hours: float = 0.0
    saved_hours: float = 0.0
    money: float = 0.0
    saved_money: float = 0.0

    def plus(self, hours: float, saved: float, price: float | None) -> "Sums":
        """Return the sums with some more hours of one price."""
        rate = price or 0.0
        return Sums(
            self.hours + hours,
            self.saved_hours + saved,
            self.money + hours * rate,
            self.saved_money + saved * rate,
        )

    def and_(self, other: "Sums", times: float = 1.0) -> "Sums":
        """Return both together, the other taken so many times."""
        return Sums(
            self.hours + other.hours * times,
            self.saved_hours + other.saved_hours * times,
            self.money + other.money * times,
            self.saved_money + other.saved_money * times,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a backtest found.

    Attributes:
        since: From when it looks.
        until: Until when.
        steps: How many observations it went through.
        halts: Every stop that would have been, oldest first.
        sums: Of the whole time.
        days: Of each day, by its date in UTC such as `2026-03-01`.
        unpriced: Templates that ran without a price.
        unseen: Seconds in which nobody looked: nothing is known of them.
        gaps: What could not be seen at some time, a sentence each.
    """

    since: datetime
    until: datetime
    steps: int
    halts: tuple[Halt, ...]
    sums: Sums
    days: Mapping[str, Sums] = field(default_factory=dict[str, Sums])
    unpriced: tuple[str, ...] = ()
    unseen: float = 0.0
    gaps: tuple[str, ...] = ()

    @property
    def hits(self) -> tuple[Halt, ...]:
        """The stops that would have hit somebody at work."""
        return tuple(one for one in self.halts if one.met.hit)

    @property
    def came_back(self) -> tuple[Halt, ...]:
        """The stops after which somebody came back before the workspace was stopped anyhow."""
        return tuple(one for one in self.halts if one.met is Met.CAME_BACK)
