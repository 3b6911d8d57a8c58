"""Commands on a fleet, against simulated deployments."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from tests.unit.cli.fleets.rehearsal import EVENING, Rehearsal, rehearsal

from carrel.simulators.coder.model.history import Licence
from carrel.simulators.coder.model.world import Setup
from carrel.simulators.coder.peopling.population import Population

Cli = Callable[..., Any]


@pytest.fixture
def deployment(
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Rehearsal]:
    """A small deployment in the evening."""
    population = Population(workspaces=40, people=16, start=EVENING)
    yield from rehearsal(tmp_path, monkeypatch, population)


@pytest.fixture
def unlicensed(
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Rehearsal]:
    """The same without a licence for anything."""
    setup = Setup(licence=Licence.NONE)
    population = Population(workspaces=30, people=12, start=EVENING, setup=setup)
    yield from rehearsal(tmp_path, monkeypatch, population)


@pytest.fixture
def impatient() -> Iterator[None]:
    """Repeat requests without waiting in between."""
    with stamina.set_testing(True, attempts=2):
        yield
