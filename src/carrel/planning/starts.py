"""Autostart lines: when a workspace will be started by itself."""

from datetime import UTC, datetime, timedelta

from carrel.domain.fleet.schedule import NextStart, split_zone

_FAR = timedelta(days=400)


def next_start(schedule: str) -> NextStart | None:
    """Return the function that gives the next autostart after a moment; None: there is none.

    Raises:
        ValueError: The line can't be read.
    """
    if not schedule.strip():
        return None
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - of the extra `coder`

    zone, fields = split_zone(schedule)
    try:
        CronSim(fields, datetime(2026, 1, 1, tzinfo=zone))
    except CronSimError as error:
        raise ValueError(f"{schedule!r} is no cron line: {error}") from error

    def after(at: datetime) -> datetime | None:
        found = next(CronSim(fields, at.astimezone(zone)), None)
        return found.astimezone(UTC) if found is not None and found - at < _FAR else None

    return after
