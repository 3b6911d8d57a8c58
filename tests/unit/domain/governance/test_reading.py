"""Tables of policies: each mistake is named with its key, the reason and the cure."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from carrel.domain.governance.reading import Table
from carrel.domain.governance.windows import Days
from carrel.errors import BadInputError

BERLIN = ZoneInfo("Europe/Berlin")


def table(**content) -> Table:
    return Table("policy.test", content)


def test_what_is_there_is_read_and_what_is_not_has_its_default():
    one = table(on=True, name="x", many=["a", "b"], one="a", half=0.5, days=["Mon", "sunday"])
    assert one.switch("on", default=False)
    assert one.text("name") == "x"
    assert one.texts("many") == ("a", "b")
    assert one.texts("one") == ("a",)
    assert one.number("half", 1) == 0.5
    assert one.days("days") == frozenset({0, 6})
    one.done()
    assert table().whole("n", 3) == 3
    assert table().days("days") == frozenset(range(7))
    assert table().hours_or_none("h") is None


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-12-31", datetime(2026, 12, 31, 23, tzinfo=UTC)),
        (date(2026, 12, 31), datetime(2026, 12, 31, 23, tzinfo=UTC)),
        ("2026-12-31T18:00", datetime(2026, 12, 31, 17, tzinfo=UTC)),
        ("2026-12-31T18:00:00Z", datetime(2026, 12, 31, 18, tzinfo=UTC)),
        (datetime(2026, 12, 31, 18, tzinfo=UTC), datetime(2026, 12, 31, 18, tzinfo=UTC)),
    ],
)
def test_a_day_as_an_end_counts_itself(value, moment: datetime):
    assert table(until=value).moment("until", BERLIN) == moment


def test_days_and_times():
    one = table(off=["2026-12-24..2027-01-01", date(2026, 5, 1)], at="24:00", also=time(7, 30))
    assert one.dates("off") == (
        Days(date(2026, 12, 24), date(2027, 1, 1)),
        Days(date(2026, 5, 1), date(2026, 5, 1)),
    )
    assert one.clock("at") == time()
    assert one.clock("also") == time(7, 30)


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ({"k": 1}, lambda one: one.switch("k", default=True)),
        ({"k": 1}, lambda one: one.text("k")),
        ({"k": ["a", 1]}, lambda one: one.texts("k")),
        ({"k": [""]}, lambda one: one.texts("k")),
        ({"k": True}, lambda one: one.number("k", 1)),
        ({"k": float("nan")}, lambda one: one.number("k", 1)),
        ({"k": float("inf")}, lambda one: one.hours("k", 1)),
        ({"k": 1e300}, lambda one: one.minutes("k", 1)),
        ({"k": 1.5}, lambda one: one.whole("k", 1)),
        ({"k": "7"}, lambda one: one.clock("k")),
        ({"k": []}, lambda one: one.days("k")),
        ({"k": "2026-05-02..2026-05-01"}, lambda one: one.dates("k")),
        ({"k": "soon"}, lambda one: one.moment("k", BERLIN)),
        ({"k": 5}, lambda one: one.moment("k", BERLIN)),
        ({"k": "x"}, lambda one: one.choice("k", "a", ["a", "b"])),
        ({"k": []}, lambda one: one.table("k")),
        ({"k": {}}, lambda one: one.tables("k")),
        ({"k": "Europe/Berlln"}, lambda one: one.zone("k", BERLIN)),
    ],
)
def test_a_wrong_value_names_its_key_and_what_it_may_be(content, read):
    with pytest.raises(BadInputError) as refused:
        read(table(**content))
    assert refused.value.code == "bad_policy"
    assert refused.value.what == "policy.test.k is wrong."
    assert refused.value.why
    assert refused.value.cure.startswith("It may be ")


def test_an_unknown_key_is_refused_with_the_nearest():
    one = table(excluded_user=["ann"])
    one.texts("excluded_users")
    with pytest.raises(BadInputError) as refused:
        one.done()
    assert refused.value.what == "[policy.test] has no key 'excluded_user'."
    assert refused.value.cure == "Did you mean 'excluded_users'?"
