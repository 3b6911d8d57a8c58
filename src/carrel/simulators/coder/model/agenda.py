"""What will happen, by time: the simulation jumps from one event to the next."""

from collections.abc import Callable
from datetime import datetime
from heapq import heappop, heappush

Action = Callable[[], None]


class Agenda:
    """A queue of events; those of one moment happen in the order they were planned."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Action]] = []
        self._planned = 0
        self.done = 0

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, moment: datetime, action: Action) -> None:
        """Plan an event."""
        self._planned += 1
        heappush(self._heap, (moment, self._planned, action))

    def pop(self, until: datetime) -> tuple[datetime, Action] | None:
        """Take the next event out, unless it lies after a moment."""
        if not self._heap or self._heap[0][0] > until:
            return None
        moment, _, action = heappop(self._heap)
        self.done += 1
        return moment, action
