"""What Carrel remembers of how fleets were, as a port: part of a transaction."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from carrel.domain.fleet.remembering import Billed, Ran, Record


class History(Protocol):
    """Recorded observations, running time and bills.

    Part of a `Session`: what changes something needs one opened by `Store.writing`.
    """

    def add_record(self, fleet: str, record: Record, after: datetime | None) -> bool:
        """Insert an observation, if the newest one is still of the moment `after` (None: none).

        Tells whether it did.
        """
        ...

    def last_record(self, fleet: str) -> datetime | None:
        """Return of which moment the newest observation is."""
        ...

    def records(self, fleet: str, since: datetime, until: datetime) -> Iterator[Record]:
        """Return observations, oldest first.

        The first one stands alone: the newest that does up to `since`, else the oldest later one.
        """
        ...

    def forget_records(self, fleet: str, before: datetime) -> int:
        """Delete what no observation from a moment on stands on; return how many there were."""
        ...

    def add_running(self, fleet: str, ran: Sequence[Ran]) -> None:
        """Add to the running time of workspaces."""
        ...

    def running(self, fleet: str, since: datetime, until: datetime) -> list[Ran]:
        """Return the running time in the months that begin in a span; its end excluded."""
        ...

    def put_bill(self, fleet: str, month: datetime, account: str, lines: Sequence[Billed]) -> int:
        """Replace what an account has billed for a month; return how many lines it had before."""
        ...

    def bills(self, fleet: str, since: datetime, until: datetime) -> list[Billed]:
        """Return what was billed for the months that begin in a span; its end excluded."""
        ...
