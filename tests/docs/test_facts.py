"""Numbers and names that the documentation states are those of the program."""

import re
import tomllib
from pathlib import Path

import pytest

from carrel.backends.local.ladder import ORDER
from carrel.domain.conflicts import ConflictKind, Strategy
from carrel.domain.leases import DEFAULT_TERM
from carrel.git.storing.layers import DEEPEST
from carrel.git.version import LEAST
from carrel.settings.values import Settings

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def page(name: str) -> str:
    return " ".join((ROOT / name).read_text().split())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_default_that_stands_behind_a_setting_is_the_default(path: Path) -> None:
    defaults = {one.key: one.value for one in Settings("/home").describe()}
    for key, number in re.findall(r"`(\w+\.\w+)` \((\d+)\)", path.read_text()):
        assert defaults[key] == float(number), key


def test_the_table_of_retention_has_the_defaults() -> None:
    defaults = {one.key: one.value for one in Settings("/home").describe()}
    units = {"hour": 1, "hours": 1, "days": 24}
    rows = re.findall(r"\| (\d+) (\w+) \| `(retention\.\w+)` \|", page("docs/how-to/clean-up.md"))
    assert len(rows) == 4
    for number, unit, key in rows:
        assert defaults[key] == int(number) * units[unit], key


def test_what_is_needed_is_what_the_program_demands() -> None:
    python = PROJECT["requires-python"].removeprefix(">=")
    for name in ("README.md", "CONTRIBUTING.md"):
        assert f"Python {python} or newer" in page(name)
        assert f"security build of {LEAST[0]}.{LEAST[1]}" in page(name)


def test_the_changelog_knows_the_version() -> None:
    assert f"## [{PROJECT['version']}]" in page("CHANGELOG.md")


def test_leases_beat_and_end_as_told() -> None:
    told = page("docs/explanation/leases-and-reconciliation.md")
    seconds = DEFAULT_TERM.total_seconds()
    assert f"Every {seconds / 4:g} seconds" in told
    assert f"after {seconds:g} seconds without a sign" in told


def test_every_finding_of_reconciliation_is_told() -> None:
    sources = (ROOT / f"src/carrel/control/{name}.py" for name in ("reconcile", "strangers"))
    found = (re.findall(r'Finding\(\s*"(\w+)"', source.read_text()) for source in sources)
    kinds = {kind for kinds in found for kind in kinds}
    told = (ROOT / "docs/explanation/leases-and-reconciliation.md").read_text()
    assert kinds
    assert set(re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE)) == kinds


def test_drivers_are_listed_fastest_first() -> None:
    told = (ROOT / "docs/explanation/workspaces-and-layers.md").read_text()
    assert tuple(re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE)) == ORDER
    assert f"at {['nine', 'ten'][DEEPEST - 9]} layers deep" in " ".join(told.split())


def test_every_strategy_and_kind_is_named() -> None:
    told = page("docs/how-to/settle-conflicts-by-rules.md")
    assert [one for one in (*Strategy, *ConflictKind) if f"`{one}`" not in told] == []
