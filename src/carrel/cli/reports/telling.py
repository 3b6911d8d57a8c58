"""One report for one command line: as a table, a JSON document, CSV, or a page in a file."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from carrel.cli.fleets.moments import moment_of
from carrel.cli.fleets.opening import opened_fleet
from carrel.cli.output import Output
from carrel.cli.reports import page, saving, spreadsheet, tables
from carrel.cli.reports.wanted import Wanted
from carrel.cli.wording import count, shown
from carrel.control.fleet import reporting
from carrel.domain.fleet.reports.report import Report, arranged, as_data
from carrel.domain.governance.scopes import Scope
from carrel.errors import BadInputError

if TYPE_CHECKING:
    from carrel.control.fleet.context import FleetContext


def tell(name: str, wanted: Wanted) -> None:
    """Make a report and give it the shape that was asked for.

    Raises:
        BadInputError: `bad_options`, `bad_number`, `bad_moment`, `bad_sort`, `bad_time_span`.
        RefusedError: `not_a_report`.
        FailedError: `report_unwritable`.
    """
    _check(wanted)
    out = Output(as_json=wanted.as_json)
    with opened_fleet(out, verbose=wanted.verbose) as ctx:
        asked = _asked(ctx, wanted)
        with out.working("Looking at the fleet"):
            made = reporting.report(ctx, name, asked)
        fleet = urlsplit(ctx.address).netloc or ctx.address
    report = arranged(made, wanted.sort, wanted.limit)
    if wanted.html is not None:
        saving.save(wanted.html, page.page(report, fleet))
    if wanted.csv:
        out.line(spreadsheet.written(report).removesuffix("\n"))
        _warn(report)
        return
    out.document(document(report))
    if wanted.html is None:
        tables.show(out, report)
    else:
        rows = count(len(report.rows), "row")
        out.line(f"{out.style.green('✓')} {report.title}, {rows}: {shown(wanted.html)}")
        tables.close(out, report)


def document(report: Report) -> dict[str, object]:
    """Return a report as the JSON document: rows are objects, under the name of what they are."""
    names = [field.name for field in report.fields]
    return {
        "report": report.name,
        "at": report.at,
        "since": report.since,
        "until": report.until,
        "summary": {fact.name: fact.value for fact in report.facts},
        "total": report.total,
        report.of: [dict(zip(names, as_data(row), strict=True)) for row in report.rows],
        "notes": [{"what": note.what, "cure": note.cure} for note in report.notes],
    }


def _check(wanted: Wanted) -> None:
    if wanted.csv and wanted.as_json:
        raise BadInputError(
            "bad_options",
            "--csv and --json were both given, and there is one standard output.",
            cure="Give one of them; --html goes with either.",
        )
    if wanted.limit < 0:
        raise BadInputError(
            "bad_number", f"--limit {wanted.limit} is no number of rows.", cure="Give 1 or more."
        )
    if wanted.html is not None:
        saving.check(wanted.html)


def _asked(ctx: "FleetContext", wanted: Wanted) -> reporting.Asked:
    now = ctx.now()
    return reporting.Asked(
        scope=Scope(
            organizations=wanted.organizations,
            groups=wanted.groups,
            templates=wanted.templates,
            users=wanted.users,
        ),
        everything=wanted.everything,
        since=moment_of(wanted.since, now) if wanted.since else None,
        until=moment_of(wanted.until, now, ends=True) if wanted.until else None,
        local=_local,
    )


def _local(at: datetime) -> datetime:
    return at.astimezone()


def _warn(report: Report) -> None:
    """Tell what limits the numbers where the output itself has no place for it."""
    for note in report.notes:
        print(f"! {shown(note.what)} {shown(note.cure)}".rstrip(), file=sys.stderr)  # noqa: T201 - CSV has no comments
