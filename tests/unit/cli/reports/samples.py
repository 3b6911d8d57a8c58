"""A report with everything in it, whose names are anything."""

from datetime import UTC, datetime, timedelta

from carrel.domain.fleet.reports.report import (
    NO_MATTER,
    Chart,
    Fact,
    Field,
    Kind,
    Note,
    Report,
    arranged,
)

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def sample(name: str = "ada/dev", **changes: object) -> Report:
    """Return a report of two rows."""
    made = {
        "name": "audit",
        "title": "Audit",
        "at": AT,
        "fields": (
            Field("workspace", "Workspace", Kind.NAME),
            Field("state", "State", Kind.STATE),
            Field("template", "Template"),
            Field("until_stop", "Stops in", Kind.SPAN, "never"),
            Field("last_start", "Last start", Kind.MOMENT, "unknown"),
            Field("money", "Money", Kind.MONEY),
            Field("workspace_id", "Id", detail=True),
        ),
        "rows": (
            (name, "running", name, -HOUR, AT - HOUR, 1234.5, "id-1"),
            ("bob/x", "stopped", "python", NO_MATTER, None, None, "id-2"),
        ),
        "facts": (Fact("running", "Running", 1), Fact("mean", "Mean", HOUR, Kind.SPAN)),
        "charts": (
            Chart("By template", "Template", "workspaces", ((name, 3.0), ("python", 0.0))),
            Chart("By day", "Day", "hours",
                  tuple((f"2026-03-{day:02}", float(day)) for day in range(1, 31)), in_time=True,
                  kind=Kind.HOURS),
            Chart("Nothing", "Day", "hours", (("2026-03-01", 0.0),)),
        ),
        "notes": (Note(f"Nobody saw {name}.", "Look again."),),
        "since": AT - 24 * HOUR,
        "until": AT,
    }  # fmt: skip
    return arranged(Report(**{**made, **changes}))  # type: ignore[arg-type]
