"""How long plans are kept: as long as is wanted, and never shorter than somebody needs them."""

from datetime import UTC, datetime, timedelta

from carrel.domain.governance import flapping
from carrel.domain.records import dataclass

SHOWN = timedelta(days=7)
"""A plan that was only shown is kept for a week at most: by then whoever asked for it is back from
a weekend, and nearly all that it names was stopped or started since: it would be skipped."""

_STEP = timedelta(hours=12)
"""Ages count in such steps: a fleet that is governed all day forgets twice a day, not each time,
and the ledger tells of it as often."""


@dataclass(frozen=True, slots=True)
class Ages:
    """Until when plans may be forgotten.

    Attributes:
        over: Those of which the last action was over before this moment.
        shown: Those that were made before this moment, and were only shown: nothing of them was
            ever begun, and nobody was warned of it.
    """

    over: datetime
    shown: datetime


@dataclass(frozen=True, slots=True)
class OldPlan:
    """A plan that may be forgotten.

    Attributes:
        plan_id: Its id.
        made_at: When it was made.
        shown: It was only shown.
    """

    plan_id: str
    made_at: datetime
    shown: bool


def ages(at: datetime, wanted: timedelta, rollback: timedelta) -> Ages:
    """Return until when plans may be forgotten.

    Args:
        at: The present moment.
        wanted: For how long they are to be kept.
        rollback: For how long they can be undone: none is forgotten before.
    """
    kept = max(wanted, rollback, flapping.LOOKED_BACK)
    step = _STEP.total_seconds()
    moment = datetime.fromtimestamp(at.timestamp() // step * step, UTC)
    return Ages(_before(moment, kept), _before(moment, min(kept, SHOWN)))


def _before(at: datetime, span: timedelta) -> datetime:
    try:
        return at - span
    except OverflowError:  # before all time: for ever
        return datetime.min.replace(tzinfo=UTC)
