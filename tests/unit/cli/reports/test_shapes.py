"""A report as CSV, as a table on a terminal, and its file."""

import csv
import io
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.cli.reports.samples import AT, HOUR, sample

from carrel.cli.output import Output
from carrel.cli.reports import saving, tables
from carrel.cli.reports.page import page
from carrel.cli.reports.spreadsheet import written
from carrel.cli.reports.values import said
from carrel.domain.fleet.reports.report import Field, Kind
from carrel.errors import FailedError, RefusedError


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_has_stable_names_and_plain_values():
    head, first, second = rows(written(sample()))
    assert head[:4] == ["workspace", "state", "template", "until_stop"]
    assert first == ["ada/dev", "running", "ada/dev", "-3600", "2026-03-04T11:00:00+00:00",
                     "1234.5", "id-1"]  # fmt: skip
    assert second[3:6] == ["", "", ""]


def test_a_name_in_csv_may_hold_anything_and_is_no_formula():
    name = 'a,"b"\nc'
    assert rows(written(sample(name)))[1][0] == name
    for start in "=+-@\t\r":
        assert rows(written(sample(f"{start}cmd()")))[1][0] == f"'{start}cmd()"


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "0m"),
        (timedelta(seconds=-20), "0m"),
        (timedelta(minutes=59, seconds=40), "1h"),
        (-HOUR - timedelta(minutes=5), "-1h 5m"),
        (timedelta(days=2, hours=4, minutes=50), "2d 4h"),
        (timedelta(days=3000), "3,000d"),
    ],
)
def test_spans_are_told_in_two_units(length, text):
    assert said(Field("ttl", "TTL", Kind.SPAN), length) == text


def test_where_room_is_scarce_moments_lose_their_year_or_their_time():
    field = Field("at", "At", Kind.MOMENT)
    whole = said(field, AT)
    assert said(field, AT, near=AT) == whole[5:]
    assert said(field, AT - timedelta(days=400), near=AT) == "2025-01-28"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]):
    """Show a report on a terminal of a width, or in a pipe, and return its lines."""

    def show(report, room: int | None) -> list[str]:
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setattr("sys.stdout.isatty", lambda: room is not None)
        monkeypatch.setattr("carrel.system.terminal.columns", lambda: room)
        tables.show(Output(as_json=False), report)
        return capfdbinary.readouterr()[0].decode().splitlines()

    return show


def test_a_table_fits_the_terminal_and_names_are_cut_last(told):
    name = "ada.lovelace/analytical-engine"
    report = sample(name)
    whole = told(report, None)
    assert whole[1].split()[0] == name
    assert "2026-03-04" in whole[1]
    narrow = told(report, 85)
    assert max(len(line) for line in narrow) <= 85
    assert narrow[1].split()[0] == name
    assert "2026-03-04" not in narrow[1]
    assert any(line.startswith("Times are ") for line in narrow)
    tiny = told(report, 60)
    assert max(len(line) for line in tiny[:3]) <= 60


def test_what_is_for_programs_is_not_on_the_terminal(told):
    assert not [line for line in told(sample(), None) if "id-1" in line]


def test_the_summary_and_what_limits_it_stand_below(told):
    lines = told(replace(sample(), rows=sample().rows[:1]), None)
    assert "… and 1 row more." in lines
    assert "Running: 1 · Mean: 1h" in lines
    assert lines[-2:] == ["! Nobody saw ada/dev.", "  → Look again."]


def test_control_characters_never_reach_the_terminal(told):
    assert "\x1b" not in "".join(told(sample("a\x1b[2J\n"), None))


def test_a_report_without_rows_says_so(told):
    assert told(sample(rows=(), nothing="Nobody was there."), None)[0] == "Nobody was there."


def test_an_older_report_is_replaced_and_nothing_else(tmp_path: Path):
    file = tmp_path / "audit.html"
    saving.save(str(file), page(sample("first"), "x"))
    saving.save(str(file), page(sample("second"), "x"))
    assert "second" in file.read_text()
    assert os.listdir(tmp_path) == ["audit.html"]


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling"])
def test_what_is_no_report_is_left_as_it_is(tmp_path: Path, kind):
    precious, report = tmp_path / "precious", tmp_path / "report.html"
    report.write_text(page(sample(), "x"))
    if kind == "file":
        precious.write_text("my thesis")
    elif kind == "folder":
        precious.mkdir()
    else:
        precious.symlink_to(report if kind == "link" else tmp_path / "nowhere")
    before = os.lstat(precious)
    with pytest.raises(RefusedError) as failed:
        saving.save(str(precious), "x")
    assert failed.value.code == "not_a_report"
    assert os.lstat(precious) == before
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_is_not_there_is_told_before_anything_is_asked(tmp_path: Path):
    with pytest.raises(FailedError) as failed:
        saving.check(str(tmp_path / "none" / "audit.html"))
    assert failed.value.code == "report_unwritable"


def test_a_write_that_breaks_off_leaves_the_older_report(tmp_path: Path, monkeypatch):
    file = tmp_path / "audit.html"
    saving.save(str(file), page(sample("first"), "x"))

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FailedError, match="could not be written"):
        saving.save(str(file), page(sample("second"), "x"))
    assert "first" in file.read_text()
    assert os.listdir(tmp_path) == ["audit.html"]


@pytest.mark.parametrize(("month", "named"), [(2, "CET"), (7, "CEST"), (0, "CEST/CET")])
def test_the_zone_is_the_one_of_the_moments_and_not_of_today(berlin, told, month, named):
    moments = [AT.replace(month=one) for one in ((month,) if month else (2, 7))]
    rows = tuple(("ada/dev", "running", "x", None, at, None, "id") for at in moments)
    report = sample(rows=rows, since=AT.replace(month=2), until=AT.replace(month=7))
    lines = told(report, None)
    assert f"LAST START ({named})" in lines[0]
    assert "2026-02-04 13:00 CET to 2026-07-04 14:00 CEST" in lines


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put this process into Berlin."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()
