"""A deployment that is simulated says so in each answer: what time it is there, and how fast."""

from collections.abc import Mapping
from datetime import UTC, datetime

from carrel.domain.records import dataclass

MOMENT = "carrel-simulated-moment"
SPEED = "carrel-simulated-speed"


@dataclass(frozen=True, slots=True)
class Tick:
    """The time of a simulated deployment.

    Attributes:
        at: The moment it is there, in UTC.
        speed: How many of its seconds go by in a real one; 0: its time stands still.
    """

    at: datetime
    speed: float


def announced(tick: Tick) -> dict[str, str]:
    """Return the headers that tell a tick."""
    return {MOMENT: tick.at.isoformat(timespec="microseconds"), SPEED: f"{tick.speed:g}"}


def heard(headers: Mapping[str, str]) -> Tick | None:
    """Read a tick out of headers with names in small letters; None: the deployment is real."""
    try:
        at = datetime.fromisoformat(headers[MOMENT])
        speed = float(headers[SPEED])
    except (KeyError, ValueError):
        return None
    if at.tzinfo is None or not 0 <= speed < float("inf"):
        return None
    return Tick(at.astimezone(UTC), speed)
