"""A report as CSV, safe to open in a spreadsheet."""

import csv
import io
from datetime import UTC, datetime, timedelta

from carrel.domain.fleet.reports.report import Report, Value, as_data

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is a formula to a spreadsheet; names are made by strangers."""


def written(report: Report) -> str:
    """Return a report as CSV with a heading: RFC 4180, moments in UTC, spans in seconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([field.name for field in report.fields])
    writer.writerows([_plain(value) for value in as_data(row)] for row in report.rows)
    return text.getvalue()


def _plain(value: Value) -> str | float:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, timedelta):
        return round(value.total_seconds())
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return value
