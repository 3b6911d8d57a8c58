"""How much may be done at once: the limits that every plan and every action is held against."""

from datetime import timedelta

from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Safety:
    """The limits of `[safety]`.

    Attributes:
        max_stops_per_minute: Over any number of processes.
        batch_size: How many actions are begun before they are followed to their end.
        max_concurrent_stops: How many stops may be under way, over any number of processes.
        max_stops: Most stops of one plan.
        max_percent: Most stops of one plan, in percent of the running workspaces.
        max_emergency_stops: Most stops of an emergency stop; 0: no cap.
        emergency_stops_per_minute: How fast an emergency stop may be, over all processes.
        max_failures: So many failed or uncertain actions end a run.
        max_queue: So many waiting jobs of the backend hold back new stops; 0: never.
        rollback: How long after a plan it can be undone.
        freshness: How old an observation may be to decide on.
        emergency_stop_enabled: Whether an emergency stop may be made.
    """

    max_stops_per_minute: int = 10
    batch_size: int = 10
    max_concurrent_stops: int = 10
    max_stops: int = 100
    max_percent: float = 50.0
    max_emergency_stops: int = 0
    emergency_stops_per_minute: int = 60
    max_failures: int = 5
    max_queue: int = 50
    rollback: timedelta = timedelta(hours=24)
    freshness: timedelta = timedelta(minutes=10)
    emergency_stop_enabled: bool = True

    def cap(self, running: int) -> int:
        """Return how many stops a plan may hold in a fleet with so many running workspaces.

        One stop is always within the percentage, or a small fleet could never be governed.
        """
        return min(self.max_stops, max(1, int(running * self.max_percent / 100)))
