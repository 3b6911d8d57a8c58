"""The ledger's events and their hash chain."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256

from carrel.domain.records import dataclass

GENESIS = "0" * 64
"""What the first event names as its predecessor."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that Carrel decided or did.

    Attributes:
        sequence: 1, 2, 3 … without gaps.
        at: UTC, microseconds.
        actor: Who asked, such as `user@host` or an agent's name.
        action: Stable name, such as `workspace.created`.
        subject: Id of what it happened to.
        data: Facts and reasons; JSON values only, never a secret.
        previous: Hash of the event before.
        hash: SHA-256 over all of the above.
    """

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    data: Mapping[str, object]
    previous: str
    hash: str


def event_hash(event: Event) -> str:
    """Compute the hash an event must carry: SHA-256 of its canonical JSON."""
    body = [
        event.sequence,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.actor,
        event.action,
        event.subject,
        dict(event.data),
        event.previous,
    ]
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode()).hexdigest()


def first_break(events: Iterable[Event]) -> int | None:
    """Return the sequence number of the first event that does not fit the chain, or None."""
    previous, expected = GENESIS, 1
    for event in events:
        if (
            event.sequence != expected
            or event.previous != previous
            or event.hash != event_hash(event)
        ):
            return event.sequence
        previous, expected = event.hash, expected + 1
    return None
