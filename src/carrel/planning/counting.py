"""Running hours and money, summed up by day."""

from dataclasses import field
from datetime import UTC, datetime, timedelta

from carrel.domain.governance.foresight import Sums
from carrel.domain.records import dataclass

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def hours_of(length: timedelta) -> float:
    """Return a span of time in hours."""
    return length / _HOUR


@dataclass(slots=True)
class Counter:
    """Counts hours.

    Attributes:
        sums: Of everything.
        days: By date in UTC.
        unpriced: Templates that ran without a price.
    """

    sums: Sums = field(default_factory=Sums)
    days: dict[str, Sums] = field(default_factory=dict[str, Sums])
    unpriced: set[str] = field(default_factory=set[str])

    def count(
        self,
        template: str,
        price: float | None,
        span: tuple[datetime, datetime],
        *,
        saved: bool,
    ) -> None:
        """Count a stretch in which a workspace ran.

        Args:
            template: The template's name.
            price: Money for an hour.
            span: From when until when; nothing if it ends before it begins.
            saved: Whether it would have been off in truth.
        """
        begin, end = span
        if end <= begin:
            return
        if price is None:
            self.unpriced.add(template)
        while begin < end:
            local = begin.astimezone(UTC)
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
            part = min(end, midnight)
            hours = hours_of(part - begin)
            day = local.strftime("%Y-%m-%d")
            gained = hours if saved else 0.0
            self.days[day] = self.days.get(day, Sums()).plus(hours, gained, price)
            self.sums = self.sums.plus(hours, gained, price)
            begin = part
