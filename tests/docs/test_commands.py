"""Every command line that the documentation shows can be given; every page can be found."""

import re
import shlex
from pathlib import Path

import pytest

from carrel.cli.catalogue import SECTIONS
from carrel.cli.loading import load

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
COMMANDS = {name for section in SECTIONS.values() for name in section}
FENCE = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(carrel(?: [^`\n]+| ?\n ?[^`\n]+)*)`")
CALL = re.compile(r"(?:^|[;&|(\s])carrel +(?P<rest>[a-z].*?)(?=$|[;&|)>])", re.MULTILINE)


def calls(text: str) -> list[list[str]]:
    """Return the words after `carrel` of each command line on a page."""
    code = [line for block in FENCE.findall(text) for line in block.splitlines()]
    shown = [line.removeprefix("$ ") for line in code if not line.startswith(("  ", "Error"))]
    inline = [" ".join(found.split()) for found in INLINE.findall(text)]
    lines = [re.sub(r"\s#.*", "", line) for line in [*shown, *inline]]
    return [words(found["rest"]) for line in lines for found in CALL.finditer(line)]


def words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def options(path: list[str]) -> tuple[set[str], set[str]]:
    """Return the options and the sub-commands of a command."""
    command = load(path[0])
    known: set[str] = set()
    below = getattr(command, "commands", {})
    here = [command]
    if len(path) > 1 and path[1] in below:
        here.append(below[path[1]])
    for one in here:
        for parameter in one.params:
            known |= {*parameter.opts, *parameter.secondary_opts}
    return known | {"--help", "-h"}, set(below)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_option_that_is_shown_exists(page: Path) -> None:
    wrong: list[str] = []
    for call in calls(page.read_text()):
        name = call[0]
        if name not in COMMANDS:
            wrong.append(f"carrel {name}")
            continue
        known, below = options(call)
        ours = call[1 : call.index("--")] if "--" in call else call[1:]
        given = {word.partition("=")[0] for word in ours if re.match(r"--?[a-z]", word)}
        wrong += [f"carrel {name} {option}" for option in given - known]
        subject = next((word for word in call[1:] if not word.startswith("-")), "")
        if below and name != "ledger" and subject and subject not in below:
            wrong.append(f"carrel {name} {subject}")
    assert wrong == []


def test_command_lines_are_found_wherever_they_are_shown() -> None:
    text = (
        "`carrel ls`, ``x``\n```sh\ncd x && carrel new a  # comment\n```\n`carrel\nrm b` `carrelx`"
    )
    assert calls(text) == [["new", "a"], ["ls"], ["rm", "b"]]


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
        waiting += [(page.parent / one).resolve() for one in targets if "://" not in one]
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached] == []
