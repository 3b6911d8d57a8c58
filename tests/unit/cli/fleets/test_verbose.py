"""`--verbose` on the commands of fleets: each step is told, and written into the log file."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.fleets.rehearsal import Rehearsal

from carrel.cli.fleets.answers import ANSWERS

Cli = Callable[..., Any]
_OFFLINE = ("policy ls", "schedule ", "simulate ")
"""Commands that touch no deployment."""


@pytest.mark.parametrize("name", [one for one in ANSWERS if not one.startswith(_OFFLINE)])
def test_every_command_on_fleets_can_be_verbose(name: str, cli: Cli) -> None:
    assert "--verbose" in cli(*name.split(), "--help").out


def test_each_step_is_told_and_logged(cli: Cli, deployment: Rehearsal) -> None:
    said = cli("quiet-hours", "run", "--execute", "--verbose")
    assert "fleet.decided" in said.err
    assert "fleet.decided" not in said.out
    log = Path(os.environ["CARREL_HOME"]) / "agents.log"
    assert "fleet.decided" in log.read_text()
    assert deployment.token not in log.read_text() + said.err


def test_without_it_nothing_is_told_besides(cli: Cli, deployment: Rehearsal) -> None:
    assert "fleet.decided" not in cli("quiet-hours", "run", "--execute").err
