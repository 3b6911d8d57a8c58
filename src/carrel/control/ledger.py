"""Reading the ledger and proving that nobody changed it."""

from collections import deque
from collections.abc import Iterable, Iterator

from carrel.control.context import Context
from carrel.domain.ledger import Event, first_break
from carrel.domain.records import dataclass

_PAGE = 10_000


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
    """Check every hash of the chain; it is never held in memory, for it grows for ever."""
    number, newest = 0, ""

    def counted(events: Iterable[Event]) -> Iterator[Event]:
        nonlocal number, newest
        for event in events:
            number, newest = number + 1, event.hash
            yield event

    with ctx.store.reading() as tx:
        chain = counted(tx.events())
        broken = first_break(chain)
        deque(chain, maxlen=0)  # what follows a break is counted, too
    return Verdict(number, broken, newest or None)


def fleet_subject(ctx: Context, name: str) -> str:
    """Return the id of a fleet's workspace that the record knows by `owner/name`; else empty.

    The newest event that has the name tells; the record is read backwards for it.
    """
    if "/" not in name:
        return ""
    with ctx.store.reading() as tx:
        end = max((one.sequence for one in tx.latest_events(1)), default=0)
        while end > 0:
            begin = max(0, end - _PAGE)
            events = tx.events(after=begin, limit=end - begin)
            found = deque((one.subject for one in events if _named(one, name)), maxlen=1)
            if found:
                return found[0]
            end = begin
    return ""


def _named(event: Event, name: str) -> bool:
    return event.data.get("workspace") == name
