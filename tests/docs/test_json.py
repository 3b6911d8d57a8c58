"""The page on JSON documents has the fields that the commands answer with.

That the commands answer with them is proved by `tests/unit/cli/test_answers.py`.
"""

import re
from pathlib import Path

import pytest

from carrel.cli.answers import ANSWERS, WITHIN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/json.md").read_text()
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
ROW = re.compile(r"^\| `(\w+)` \| [^|]* \|(.*)\|$", re.MULTILINE)
COMMANDS = re.compile(r"^\| (`.*?`) \| (.*) \|$", re.MULTILINE)


def answers() -> dict[str, list[str]]:
    """Return the fields that the page names for each command."""
    found: dict[str, list[str]] = {}
    for cell, meaning in COMMANDS.findall(PAGE.partition("\n## ")[0]):
        names = re.findall(r"`([\w ]+)`", cell)
        parts = [part.strip() for part in meaning.split(", ")]
        for number, name in enumerate(names):
            shared = len(names) == 1 or len(parts) != len(names)
            found[name] = _fields(meaning if shared else parts[number])
    return found


def _fields(text: str) -> list[str]:
    """Return the fields that a cell names, or those of the section to which it leads."""
    named = re.findall(r"`(\w+)`", text.partition(": list")[0])
    if named:
        return named
    link = re.search(r"\[([\w ]+)\]", text)
    assert link, text
    return keys(link[1])


def keys(section: str) -> list[str]:
    return [name for name, _ in ROW.findall(SECTIONS[section])]


def inner(section: str, key: str) -> list[str]:
    """Return the fields that a row names for the objects in it."""
    meaning = dict(ROW.findall(SECTIONS[section]))[key]
    return re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", meaning))


@pytest.mark.parametrize("command", ANSWERS)
def test_every_command_is_listed_with_its_fields(command: str) -> None:
    assert answers()[command] == ANSWERS[command].split()


def test_no_command_is_listed_that_does_not_answer() -> None:
    assert set(answers()) == set(ANSWERS)


INNER = {
    ("workspace", "lease"): ["workspaces[].lease, or null"],
    ("checkpoints", "checkpoints"): ["checkpoints[]"],
    ("checkpoint", "skipped"): ["checkpoint: skipped[]"],
    ("rm", "unsaved"): ["rm: unsaved[]"],
    ("changes", "files_renamed"): ["changes: files_renamed[], files_copied[]"],
    ("changes", "files_copied"): ["changes: files_renamed[], files_copied[]"],
    ("merge", "settlements"): ["merge: settlements[]", "settlements[]: winning[], losing[]"],
    ("conflicts", "pairs"): ["conflicts: pairs[], against_target[]", "pairs[]: conflicts[]"],
    ("conflicts", "steps"): ["conflicts: steps[]"],
    ("actions", "actions"): ["actions[]"],
    ("doctor", "checks"): ["doctor: checks[]"],
    ("reconcile", "findings"): ["reconcile: findings[]"],
    ("ledger", "events"): ["ledger: events[]"],
    ("config show", "settings"): ["config show: settings[]"],
}


@pytest.mark.parametrize(("section", "key"), INNER)
def test_what_is_inside_is_listed_with_its_fields(section: str, key: str) -> None:
    wanted = [field for name in INNER[section, key] for field in WITHIN[name].split()]
    assert inner(section, key) == wanted


def test_everything_inside_is_listed_somewhere() -> None:
    whole = {"projects[]", "workspaces[]", "restore: saved"}  # they lead to a section
    assert set(WITHIN) - {name for names in INNER.values() for name in names} == whole
