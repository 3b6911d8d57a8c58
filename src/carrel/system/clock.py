"""The clock of this machine."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The real clock."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass."""
        time.sleep(seconds)
