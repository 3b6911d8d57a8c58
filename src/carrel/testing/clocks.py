"""A clock that is moved by hand: waiting takes no time, and moves it."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
"""A Monday evening."""


class HandClock:
    """Stands still until somebody moves it or waits.

    Attributes:
        waited: Every wait, in seconds.
        on_wait: Called after each wait.
    """

    def __init__(self, at: datetime = START) -> None:
        self._at = at
        self.waited: list[float] = []
        self.on_wait: Callable[[], None] | None = None

    def now(self) -> datetime:
        """Return the moment at which it stands."""
        return self._at

    def wait(self, seconds: float) -> None:
        """Let time pass at once."""
        self.waited.append(seconds)
        self._at += timedelta(seconds=seconds)
        if self.on_wait is not None:
            self.on_wait()

    def advance(self, length: timedelta) -> None:
        """Move it."""
        self._at += length
