"""The page on reports names every report and each of its columns, and no other."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carrel.cli.reports.verbs import VERBS
from carrel.control.fleet.reporting import KINDS
from carrel.domain.fleet.deployment import Deployment
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.reports.ground import Ground

PAGE = (Path(__file__).parents[2] / "docs/reference/reports.md").read_text()
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
ROW = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \|", re.MULTILINE)
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def test_every_report_is_a_command_and_has_a_section() -> None:
    assert [verb.name for verb in VERBS] == list(KINDS) == list(SECTIONS)
    assert {verb.name for verb in VERBS if verb.dated} == {
        name for name, kind in KINDS.items() if kind.dated
    }


@pytest.mark.parametrize("name", KINDS)
def test_its_columns_are_those_of_the_report(name: str) -> None:
    ground = Ground(NOW, Observation(NOW, Deployment("https://c", "d", "v2", "admin"), ()))
    listed = [one for cell in ROW.findall(SECTIONS[name]) for one in re.findall(r"\w+", cell)]
    assert len(listed) == len(set(listed))
    assert set(listed) == {field.name for field in KINDS[name].make(ground).fields}
