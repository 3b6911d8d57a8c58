"""The JSON documents of commands on fleets have the fields that the reference promises."""

from collections.abc import Callable
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


_SUBJECT = {"ttl set", "ttl extend", "ttl watch"}
LOOKING = [
    name
    for name in ANSWERS
    if name.split()[0] in {"quiet-hours", "ttl", "autostop", "prune"} and name not in _SUBJECT
]
"""Commands that answer without a subject, once, and change nothing."""


@pytest.mark.parametrize("name", LOOKING)
def test_a_command_answers_with_its_fields(name: str, cli: Cli, deployment: Rehearsal) -> None:
    assert set(cli(*name.split(), "--json").json) == set(ANSWERS[name].split())
