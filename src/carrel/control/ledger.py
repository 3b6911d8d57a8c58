"""Reading the ledger and proving that nobody changed it."""

from collections import deque

from carrel.control.context import Context
from carrel.domain.ledger import Event, first_break
from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the chain holds.

    Attributes:
        events: How many events there are.
        broken_at: Sequence number of the first event that does not fit, or None.
        last_hash: Hash of the last event; note it down elsewhere to prove later that nothing
            was cut off at the end.
    """

    events: int
    broken_at: int | None
    last_hash: str | None


def events(ctx: Context, *, subject: str | None = None, last: int | None = None) -> list[Event]:
    """Return events in order: all, those of one subject, or the last few."""
    with ctx.store.reading() as tx:
        if subject is None and last is not None:
            return tx.latest_events(last)
        return list(deque(tx.events(subject=subject), maxlen=last))


def verify(ctx: Context) -> Verdict:
    """Check every hash of the chain."""
    with ctx.store.reading() as tx:
        chain = list(tx.events())
    return Verdict(len(chain), first_break(chain), chain[-1].hash if chain else None)


def fleet_subject(ctx: Context, name: str) -> str:
    """Return the id of a fleet's workspace that the record knows by `owner/name`; else empty."""
    if "/" not in name:
        return ""
    with ctx.store.reading() as tx:
        found = deque((one.subject for one in tx.events() if _named(one, name)), maxlen=1)
    return found[0] if found else ""


def _named(event: Event, name: str) -> bool:
    return event.data.get("workspace") == name
