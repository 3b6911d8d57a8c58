"""Sorting and cutting a report."""

import pytest
from tests.unit.domain.fleet.reports.grounds import DAY, HOUR, NOW

from carrel.domain.fleet.reports.naming import by_size
from carrel.domain.fleet.reports.report import NO_MATTER, Field, Kind, Report, arranged, as_data
from carrel.errors import BadInputError

REPORT = Report(
    "ls",
    "Workspaces",
    NOW,
    (Field("name", "Name", Kind.NAME), Field("until_stop", "Stops in", Kind.SPAN)),
    (("b", HOUR), ("C", None), ("a", DAY), ("d", NO_MATTER)),
)


def names(report: Report) -> str:
    return "".join(str(row[0]) for row in report.rows)


def test_rows_are_sorted_without_regard_to_case_and_what_is_missing_stands_last():
    assert names(arranged(REPORT)) == "bCad"
    assert names(arranged(REPORT, "name")) == "abCd"
    assert names(arranged(REPORT, "-name")) == "dCba"
    assert names(arranged(REPORT, "until_stop")) == "baCd"
    assert names(arranged(REPORT, "-until_stop")) == "abCd"


def test_a_limit_tells_how_many_there_are():
    cut = arranged(REPORT, "name", 2)
    assert (names(cut), cut.total) == ("ab", 4)
    assert arranged(REPORT).total == 4


def test_a_column_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(BadInputError, match="until_stopp") as failed:
        arranged(REPORT, "until_stopp")
    assert failed.value.code == "bad_sort"
    assert "until_stop" in failed.value.cure
    with pytest.raises(BadInputError) as failed:
        arranged(REPORT, "zzz")
    assert "name, until_stop" in failed.value.cure


def test_what_does_not_apply_is_null_for_programs():
    assert as_data(("d", NO_MATTER)) == ["d", None]


def test_many_bars_become_few_and_nothing_is_lost():
    drawn = by_size({f"n{number}": float(number) for number in range(50)})
    assert len(drawn) == 12
    assert drawn[-1][0] == "39 others"
    assert sum(value for _, value in drawn) == sum(range(50))
