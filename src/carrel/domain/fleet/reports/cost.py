"""Cost: running hours, and money where there is a price book. Credits are credits."""

from datetime import timedelta

from carrel.domain.fleet.reports import naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import (
    NO_MATTER,
    Chart,
    Fact,
    Field,
    Kind,
    Note,
    Report,
    Row,
)
from carrel.domain.fleet.reports.running import Turn, ran, turns
from carrel.domain.fleet.workspaces import FleetWorkspace

_UNKNOWN = "unknown"


def make(ground: Ground) -> Report:
    """Tell what each workspace cost between two moments, the dearest first."""
    since, until = ground.span
    rows = _rows(ground)
    money = sum(_number(row[3]) for row in rows)
    hours = sum(_number(row[2]) for row in rows)
    shown = rows if ground.everything else [row for row in rows if _counts(row)]
    return Report(
        name="cost",
        title="Cost",
        at=ground.observation.at,
        fields=_fields(ground.currency),
        rows=tuple(shown),
        facts=(
            Fact("hours", "Running hours", round(hours, 2), Kind.HOURS),
            *([Fact("money", f"Money ({ground.currency})", round(money, 2),
                    Kind.MONEY)] if ground.currency else []),
            Fact("credits_per_day", "Credits a day", sum(int(_number(row[4])) for row in rows),
                 Kind.CREDITS),
        ),
        charts=_charts(ground, rows),
        notes=(*ground.notes, *_notes(ground, rows)),
        since=since,
        until=until,
        nothing="Nothing ran.",
    )  # fmt: skip


def _fields(currency: str) -> tuple[Field, ...]:
    title = f"Money ({currency})" if currency else "Money"
    return (
        naming.WORKSPACE,
        naming.TEMPLATE,
        Field("hours", "Hours", Kind.HOURS),
        Field("money", title, Kind.MONEY, "no price"),
        Field("credits_per_day", "Credits/day", Kind.CREDITS),
        naming.STATE,
        naming.OWNER,
        naming.ORGANIZATION,
        Field("price_per_hour", "Money/hour", Kind.MONEY, "no price", detail=True),
        naming.WORKSPACE_ID,
    )


def _rows(ground: Ground) -> list[Row]:
    log = turns(ground.entries or ())
    present = [(one, _own(log, one)) for one in ground.workspaces]
    known = {one.workspace_id for one, _ in present}
    gone = {one.workspace_id: one for one in ground.deleted or () if one.workspace_id not in known}
    rows = [_row(ground, one, _spent(ground, mine, one)) for one, mine in present]
    rows += [
        _row(ground, one, _spent(ground, mine, one))
        for one in gone.values()
        if (mine := _own(log, one)) or one.workspace_id in ground.recorded
    ]
    rows += _strangers(ground, log)
    rows.sort(key=lambda row: (-_number(row[3]), -_number(row[2]), str(row[0])))
    return rows


def _own(log: dict[str, list[Turn]], one: FleetWorkspace) -> list[Turn]:
    """Take a workspace's turns out of the log."""
    return log.pop(one.workspace_id, None) or log.pop(one.full_name, [])


def _spent(ground: Ground, mine: list[Turn], one: FleetWorkspace) -> timedelta:
    """Return for how long a workspace ran: by the log, else by what was recorded, if that is more.

    A present run can be longer than what passes have seen of it.
    """
    by_log = ran(ground, mine, one)
    return max(by_log, ground.recorded.get(one.workspace_id, by_log))


def _row(ground: Ground, one: FleetWorkspace, spent: timedelta) -> Row:
    price = ground.prices.get(one.workspace_id)
    hours = naming.hours(spent)
    return (
        one.full_name,
        one.template,
        hours,
        round(hours * price, 2) if price is not None else None,
        one.daily_credits,
        naming.state(one),
        one.owner,
        one.organization,
        price,
        one.workspace_id,
    )


def _strangers(ground: Ground, log: dict[str, list[Turn]]) -> list[Row]:
    """Return what only the audit log knows: workspaces that are gone without a trace."""
    if not ground.whole:
        return []
    return [
        (mine[0].name, None, naming.hours(ran(ground, mine, None)), None, NO_MATTER, _UNKNOWN,
         mine[0].name.partition("/")[0] or None, None, None, mine[0].workspace_id or None)
        for mine in log.values()
    ]  # fmt: skip


def _charts(ground: Ground, rows: list[Row]) -> tuple[Chart, ...]:
    at, unit, kind = (
        (3, ground.currency, Kind.MONEY) if ground.currency else (2, "hours", Kind.HOURS)
    )
    what = "Money" if ground.currency else "Running hours"
    charts: list[Chart] = []
    for title, column in (("template", 1), ("user", 6)):
        sums: dict[str, float] = {}
        for row in rows:
            name = str(row[column] or _UNKNOWN)
            sums[name] = sums.get(name, 0.0) + _number(row[at])
        bars = {name: round(number, 2) for name, number in sums.items() if number}
        charts.append(
            Chart(f"{what} by {title}", title.capitalize(), unit, naming.by_size(bars), kind=kind)
        )
    return tuple(charts)


def _notes(ground: Ground, rows: list[Row]) -> list[Note]:
    notes: list[Note] = []
    if not ground.currency:
        notes.append(
            Note("There is no price book, so nothing is told in money.",
                 "Give prices in [policy.budget.prices].")
        )  # fmt: skip
    else:
        lacking = sorted(
            {str(row[1] or _UNKNOWN) for row in rows if _counts(row) and row[3] is None}
        )
        if lacking:
            what = f"No price is known for: {', '.join(lacking)}."
            notes.append(Note(what, "Add it to [policy.budget.prices]."))
    if ground.entries is None and ground.recorded:
        notes.append(
            Note("Without the audit log, hours are what Carrel has recorded of whole months, and "
                 "the present run of each workspace.",
                 "Use a token that may read it, where it is licensed.")
        )  # fmt: skip
    elif ground.entries is None:
        notes.append(
            Note("Without the audit log only the present run of each workspace is counted.",
                 "Use a token that may read it, where it is licensed; 'carrel govern' records "
                 "running hours, too.")
        )  # fmt: skip
    return notes


def _counts(row: Row) -> bool:
    return _number(row[2]) > 0


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
