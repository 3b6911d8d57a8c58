"""The JSON documents of commands on fleets have the fields that the reference promises."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.fleets.rehearsal import Rehearsal

from carrel.cli.catalogue import SECTIONS
from carrel.cli.fleets.answers import ANSWERS
from carrel.cli.loading import load

Cli = Callable[..., Any]


def names() -> set[str]:
    """Return every command on fleets that can be given."""
    return {full for name in SECTIONS["Fleets"] for full in below(name, load(name))}


def below(name: str, command: object) -> set[str]:
    """Return a command, or those of a group and of the groups in it."""
    inner: dict[str, object] = getattr(command, "commands", {})
    found = {full for sub, one in inner.items() for full in below(f"{name} {sub}", one)}
    return found or {name}


def test_every_command_on_fleets_is_listed() -> None:
    assert set(ANSWERS) == names()


MORE = {
    "fleet emergency-stop": "--dry-run",
    "govern": "--dry-run",
    "policy backtest": "--since 2d",
    "policy simulate": "--at +1h",
    "schedule kubernetes": "--image r.example.com/carrel:1",
}
"""What else commands must be told."""
_OF_PLANS = {"plan show", "plan apply", "plan undo"}
_ENDLESS = {"ttl watch", "simulate coder"}
_SUBJECT = {"policy explain", "ttl set", "ttl extend", "fleet bill import"}
ALONE = [name for name in ANSWERS if name not in _OF_PLANS | _ENDLESS | _SUBJECT]
"""Commands that answer without a subject, and end."""


@pytest.mark.parametrize("name", ALONE)
def test_a_command_answers_with_its_fields(name: str, cli: Cli, deployment: Rehearsal) -> None:
    words = (*name.split(), *MORE.get(name, "").split(), "--json")
    assert set(cli(*words).json) == set(ANSWERS[name].split())


def test_commands_with_a_subject_answer_with_their_fields(
    cli: Cli, deployment: Rehearsal, tmp_path: Path
) -> None:
    name, bill = min(deployment.on()), tmp_path / "bill.csv"
    space = deployment.space(name)
    deadline = deployment.world.now + timedelta(hours=3)
    space.latest.clock = replace(space.latest.clock, deadline=deadline, max_deadline=None)
    bill.write_text("BilledCost,BillingCurrency,ChargePeriodStart\n1,USD,2026-03-02T00:00:00Z\n")
    subjects = {
        "policy explain": (name,),
        "ttl set": (name, "7h"),
        "ttl extend": (name, "1h"),
        "fleet bill import": (str(bill),),
    }
    assert set(subjects) == _SUBJECT
    for command, words in subjects.items():
        found = cli(*command.split(), *words, "--json").json
        assert set(found) == set(ANSWERS[command].split()), command
