"""The clock as a port."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits; tests bring one that never waits."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        ...

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...
