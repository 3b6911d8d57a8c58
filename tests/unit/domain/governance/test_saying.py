"""Spans of time in words."""

from datetime import timedelta

import pytest

from carrel.domain.governance.saying import span


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 min"), (30, "30 s"), (59.6, "1 min"), (90, "2 min"), (5400, "1 h 30 min"),
     (90_000, "1 d 1 h"), (-3600, "-1 h")],
)  # fmt: skip
def test_a_span_is_said_in_its_units(seconds: float, said: str):
    assert span(timedelta(seconds=seconds)) == said
