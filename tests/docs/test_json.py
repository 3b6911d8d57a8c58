"""The page on JSON documents has the keys that the commands give."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from carrel.cli.catalogue import SECTIONS as CATALOGUE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/json.md").read_text()
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
ROW = re.compile(r"^\| `(\w+)` \| [^|]* \|(.*)\|$", re.MULTILINE)


def keys(section: str) -> set[str]:
    return {name for name, _ in ROW.findall(SECTIONS[section])}


def inner(section: str, key: str) -> set[str]:
    """Return the keys that a row names for the objects in it."""
    meaning = dict(ROW.findall(SECTIONS[section]))[key]
    return set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", meaning)))


SCRIPT = """
init site
projects
new one
new two
ls
show one
path one
exec one -- true
checkpoint one --iteration 1
checkpoints one
changes one --diff
restore one start
restore one 1
merge one
conflicts two
merge two
mark two failed
rm one
trash ls
trash restore one
tend --dry-run
gc
reconcile
ledger --last 2
ledger verify
doctor
config show
config path
config import guide.yaml
db upgrade
db current
db check
"""
GROUPS = ("trash", "config", "db", "ledger verify")


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run each command once and return what it printed."""
    home = tmp_path_factory.mktemp("json")
    (home / "guide.yaml").write_text("workspace:\n  max_count: 9\n  strange: 1\n")
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CARREL_WORKSPACE_DISK_THRESHOLD_GB": "0",
        "CARREL_WORKSPACE_DRIVER": "checkout",
        "CARREL_RETENTION_FAILED_HOURS": "0",
    }

    def run(*command: str) -> bytes:
        done = subprocess.run(command, env=variables, cwd=home, capture_output=True, check=False)
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    (home / "site").mkdir()
    (home / "site" / "file").write_text("start\n")
    git = ("git", "-C", "site", "-c", "user.name=You", "-c", "user.email=you@example.org")
    run(*git, "init", "--quiet", "--initial-branch=main")
    run(*git, "add", "file")
    run(*git, "commit", "--quiet", "--message=Start")
    found: dict[str, Any] = {}
    for line in SCRIPT.strip().splitlines():
        words = line.split()
        count = 2 if line.startswith(GROUPS) else 1
        name = " ".join(words[:count])
        printed = run(sys.executable, "-m", "carrel", *words[:count], "--json", *words[count:])
        found[name] = json.loads(printed)
        if name == "new":
            folder = Path(found[name]["working_directory"])
            (folder / "file").write_text(f"{words[1]}\n")
            run(*git[:1], "init", "--quiet", str(folder / "nested"))
    return found


WHOLE = {
    "init": "project",
    "new": "workspace",
    "show": "workspace",
    "mark": "workspace",
    "trash restore": "workspace",
    "path": "path",
    "exec": "exec",
    "checkpoint": "checkpoint",
    "checkpoints": "checkpoints",
    "restore": "restore",
    "changes": "changes",
    "conflicts": "conflicts",
    "merge": "merge",
    "rm": "rm",
    "gc": "actions",
    "tend": "actions",
    "reconcile": "reconcile",
    "ledger": "ledger",
    "ledger verify": "ledger verify",
    "doctor": "doctor",
    "config show": "config show",
    "config import": "config import",
}


@pytest.mark.slow
@pytest.mark.parametrize("command", WHOLE)
def test_a_document_has_the_keys_of_its_section(documents: dict[str, Any], command: str) -> None:
    assert set(documents[command]) == keys(WHOLE[command])


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["projects", "ls", "trash ls", "config path", "db upgrade", "db current", "db check"]
)
def test_a_small_document_has_the_keys_of_its_row(documents: dict[str, Any], command: str) -> None:
    row = re.search(rf"^\| .*`{command}`.* \| (.*) \|$", PAGE, re.MULTILINE)
    assert row
    named = set(re.findall(r"`(\w+)`", row[1]))
    assert set(documents[command]) == named


INNER = [
    ("checkpoint", "checkpoint", "skipped"),
    ("checkpoints", "checkpoints", "checkpoints"),
    ("changes", "changes", "stats"),
    ("conflicts", "conflicts", "steps"),
    ("gc", "actions", "actions"),
    ("ledger", "ledger", "events"),
    ("doctor", "doctor", "checks"),
    ("config show", "config show", "settings"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("command", "section", "key"), INNER)
def test_what_is_inside_has_the_keys_that_are_named(
    documents: dict[str, Any], command: str, section: str, key: str
) -> None:
    content = documents[command][key]
    first = content[0] if isinstance(content, list) else content
    assert set(first) == inner(section, key)


@pytest.mark.slow
def test_settlements_and_clashes_have_the_keys_that_are_named(documents: dict[str, Any]) -> None:
    settled = documents["merge"]["settlements"][0]
    named = inner("merge", "settlements")
    assert set(settled) | set(settled["winning"][0]) == named
    clash = documents["conflicts"]["against_target"][0]
    assert set(clash) | set(clash["conflicts"][0]) == inner("conflicts", "pairs")


def test_every_command_that_prints_has_a_row() -> None:
    silent = {"demo", "completion"}
    cells = "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))
    rows = set(re.findall(r"`(\w+)(?: \w+)?`", cells))
    assert {name for section in CATALOGUE.values() for name in section} - silent <= rows
