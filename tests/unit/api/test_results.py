"""What the classes for fleets answer: whether a run went well, how many comply."""

from datetime import UTC, datetime

import pytest

from carrel.api.results import RunResults, TTLReport, WorkspaceStanding
from carrel.testing.observations import workspace

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failed", "end", "ok"),
    [
        ((), "over", True),
        ((), "waiting", True),
        ((), "busy", True),
        ((), "", True),
        ((), "frozen", False),
        ((), "capped", False),
        ((), "broken", False),
        ((("ann/desk", "No provisioner."),), "over", False),
    ],
)
def test_a_run_went_well_when_nothing_failed_or_broke_it_off(
    failed: tuple[tuple[str, str], ...], end: str, *, ok: bool
) -> None:
    assert RunResults(dry_run=False, failed=failed, end=end).ok is ok


def test_who_stops_by_itself_complies_however_soon() -> None:
    one = WorkspaceStanding(workspace(), "said", "By the test.")
    report = TTLReport(NOW, should_have_stopped=(one,), will_stop_soon=(one,), compliant=(one,))
    assert (report.total, report.compliance_percent) == (3, 66.7)
    assert TTLReport(NOW).compliance_percent is None
    parts = (
        "should_have_stopped",
        "will_stop_soon",
        "compliant",
        "drifting",
        "unlimited",
        "unknown",
    )
    told = TTLReport(NOW, **dict.fromkeys(parts, (one,))).as_mapping()
    assert {name: len(told[name]) for name in parts} == dict.fromkeys(parts, 1)  # type: ignore[arg-type]
    assert (told["total"], told["compliance_percent"]) == (6, 33.3)
