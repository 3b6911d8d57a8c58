"""The page on the Python interface has the signatures and fields of the code."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

import carrel
from carrel import (
    AutoStopAgent,
    CommitInfo,
    EnterpriseQuietHours,
    MergeResult,
    PruneFilters,
    PruneWorkspacesAgent,
    QuietHoursAgent,
    RunResults,
    ScheduledStop,
    TTLMonitorAgent,
    TTLReport,
    WorkspaceChanges,
    WorkspaceController,
    WorkspaceInfo,
    WorkspaceManagerService,
    WorkspaceStanding,
)
from carrel.control.cleanup import Removal

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/python-api.md").read_text()
METHODS = {
    name: function
    for name, function in inspect.getmembers(WorkspaceManagerService, inspect.isfunction)
    if not name.startswith("_")
}
RESULTS = (
    WorkspaceInfo, CommitInfo, WorkspaceChanges, MergeResult,
    RunResults, WorkspaceStanding, TTLReport, ScheduledStop, PruneFilters,
)  # fmt: skip
FRONTS = (
    WorkspaceController, QuietHoursAgent, TTLMonitorAgent, AutoStopAgent, EnterpriseQuietHours,
    PruneWorkspacesAgent,
)  # fmt: skip


def section(title: str) -> str:
    found = re.search(rf"^### {title}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title}"
    return found[1]


def signature(function: object) -> str:
    assert callable(function)
    text = str(inspect.signature(function)).replace("(self, ", "(").replace("(self)", "()")
    return re.sub(
        r"(?:carrel\.(?:domain\.results|git\.merging\.predict)|collections\.abc)\.", "", text
    )


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_described_with_its_signature(name: str) -> None:
    assert f"```python\n{name}{signature(METHODS[name])}\n```" in section(name)


@pytest.mark.parametrize("name", METHODS)
def test_every_argument_is_mentioned(name: str) -> None:
    prose = section(name).split("```")[2]
    named = set(inspect.signature(METHODS[name]).parameters) - {"self", "agent_id", "dry_run"}
    given = {"iteration", "message", "which", "holder"}  # told in words
    assert {one for one in named - given if f"`{one}" not in prose} <= {"target_branch"}


def test_no_method_is_described_that_is_not_there() -> None:
    titles = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)
    known = {*METHODS, *(one.__name__ for one in RESULTS)}
    assert set(titles) == known


@pytest.mark.parametrize("result", RESULTS)
def test_every_field_is_described_in_order(result: type) -> None:
    listed = re.findall(r"^\| `(\w+)` \|", section(result.__name__), re.MULTILINE)
    assert listed == [field.name for field in fields(result)]


def test_the_keys_of_the_cleanup_mapping_are_described() -> None:
    text = section("cleanup_workspace").partition("\nReturns\n")[2]
    source = inspect.getsource(Removal.as_mapping)
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(
        re.findall(r'^ {12}"(\w+)":', source, re.MULTILINE)
    )


def test_every_public_name_is_named() -> None:
    assert [name for name in carrel.__all__ if f"`{name}`" not in PAGE] == []


def plain(function: object) -> str:
    """Return a signature without the modules of its types."""
    return re.sub(r"(?:\w+\.)+(?=[A-Z]|timedelta)", "", signature(function))


@pytest.mark.parametrize("front", FRONTS)
def test_every_method_of_a_front_is_listed_and_explained(front: type) -> None:
    found = re.search(rf"^## {front.__name__}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    block, table = found[1].split("```")[1:]
    own = {
        name: function
        for name, function in vars(front).items()
        if inspect.isfunction(function) and not name.startswith("_")
    }
    assert block.strip().splitlines() == [
        "python",
        f"{front.__name__}{plain(front)}",
        *(f"{name}{plain(function)}" for name, function in own.items()),
    ]
    explained = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(explained)) == list(own)
