"""What is asked whenever an action is begun finds its rows by an index, however much was done."""

import re
import sqlite3
from importlib.resources import files

import pytest

from carrel.stores import governance_statements as statements

BY_STATE = ["UNDER_WAY", "STOPS_UNDER_WAY"]
BY_MOMENT = ["STOPS_SINCE", "STOPS_BESIDE", "STOPPED"]


def told(name: str) -> str:
    """Return how SQLite goes about a statement."""
    statement = vars(statements)[name]
    values = dict.fromkeys(re.findall(r":(\w+)", statement))
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(files("carrel.stores").joinpath("schema.sql").read_text())
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
    finally:
        connection.close()
    return "\n".join(row[3] for row in rows)


@pytest.mark.parametrize("name", [*BY_STATE, *BY_MOMENT])
def test_no_table_is_read_whole(name: str) -> None:
    assert "SCAN" not in told(name)
    assert "plan_actions USING INDEX sqlite_autoindex" not in told(name)


@pytest.mark.parametrize("name", BY_MOMENT)
def test_what_is_long_done_is_not_read(name: str) -> None:
    assert "ix_plan_actions_sent_at (sent_at>?)" in told(name)


def test_of_plans_that_are_over_only_the_old_ones_are_read() -> None:
    assert told("OVER_PLANS").startswith("SEARCH plans USING INDEX ix_plans_made_at (made_at<?)")
    assert "SCAN plan_actions" not in told("OVER_PLANS")


def test_plans_that_were_only_shown_are_found_by_what_waits() -> None:
    assert "SCAN" not in told("SHOWN_PLANS")
    assert "ix_plan_actions_state (state=?)" in told("SHOWN_PLANS")
