"""The shell sessions of the documentation are run, and what they print is compared.

A page's `console` blocks are one session: a line that begins with `$ ` is a command, `> ` goes
on with it, the rest is its output. A line `…` stands for any lines, and `…` in a line for any
text. Ids, sizes, dates and drivers may differ. A comment `<!-- run` holds commands that prepare
what a page presupposes.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.databases import fresh

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```|^<!-- run\n(.*?)^-->", re.MULTILINE | re.DOTALL)
EXAMPLE = "postgresql://carrel@db.example.org/carrel"
"""An address that stands for a real server; a page that names it needs one."""

SHOWN = [
    page
    for page in sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
    if page.exists() and "```console" in page.read_text()
]
PAGES = [
    pytest.param(
        page,
        id=str(page.relative_to(ROOT)),
        marks=[pytest.mark.real] if EXAMPLE in page.read_text() else [],
    )
    for page in SHOWN
]
DRIVERS = r"\b(?:overlay|user_overlay|snapshot|fuse_overlay|checkout)\b"
ALIKE = (
    (r"\b(?:ws|p|m|cp|lease)-[0-9a-z]{6,20}\b", "ID"),
    (r"\b[0-9a-f]{7,64}\b", "ID"),
    (r"\b[\d,]+\.\d (?:M|k|G)?B\b", "SIZE"),
    (r"\b(?:\d{4}-)?\d\d-\d\d \d\d:\d\d(?::\d\d)?\b", "DATE"),
    (r"\bprocess \d+\b", "process N"),
    (r"\b[\w.-]+@[\w.-]+\b", "USER@HOST"),
    (r"\bbytes=\d+", "bytes=N"),
    (DRIVERS, "DRIVER"),
)


FAILURES = ("Error: ", '"error"', "was not merged")
"""What a page shows of a command that is meant to end with another exit code than 0."""


@dataclass
class Step:
    """A command, and what the page says that it prints (None: nothing is said)."""

    command: str
    output: list[str] | None


def steps(text: str) -> list[Step]:
    found: list[Step] = []
    for shown, hidden in BLOCK.findall(text):
        found += [Step(hidden, None)] if hidden else _session(shown)
    return found


def _session(block: str) -> list[Step]:
    found: list[Step] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:], []))
        elif line.startswith("> ") and found and not found[-1].output:
            found[-1].command += "\n" + line[2:]
        elif found and found[-1].output is not None:
            found[-1].output.append(line)
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A newcomer's home: a name for git, and nothing else."""
    (tmp_path / ".gitconfig").write_text(
        "[user]\n\tname = Newcomer\n\temail = newcomer@example.org\n"
        "[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n"
    )
    yield tmp_path
    with open("/proc/self/mounts", encoding="utf-8") as file:
        mounted = [line.split()[1] for line in file if line.split()[1].startswith(str(tmp_path))]
    for tree in mounted:
        subprocess.run(["umount", "--lazy", tree], check=False)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """A schema of its own on the test server."""
    with fresh("postgresql", tmp_path) as address:
        yield address


def run(home: Path, commands: list[str]) -> list[tuple[str, int]]:
    """Run commands in one shell; return what each printed, and its exit code."""
    script = "cd\n" + "".join(f"{command}\nprintf '\\n@@@%s\\n' $?\n" for command in commands)
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1 </dev/null\n{script}"],
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "CARREL_WORKSPACE_DISK_THRESHOLD_GB": "0",
            # Every driver does the same, says the contract suite; this one is at hand everywhere.
            "CARREL_WORKSPACE_DRIVER": os.environ.get("CARREL_TEST_DRIVER", "checkout"),
        },
        capture_output=True,
        check=False,
        timeout=300,
    )
    parts = re.split(r"\n?@@@(\d+)\n", done.stdout.decode(errors="replace"))
    return [(parts[n], int(parts[n + 1])) for n in range(0, len(parts) - 1, 2)]


def alike(line: str, home: Path) -> str:
    line = line.replace(str(home), "~").replace("/home/you", "~")
    for pattern, word in ALIKE:
        line = re.sub(pattern, word, line)
    return " ".join(line.split())


def fits(expected: list[str], printed: list[str]) -> bool:
    """Tell whether what was printed is what was expected."""
    if not expected:
        return not printed
    if expected[0] == "…":
        return any(fits(expected[1:], printed[n:]) for n in range(len(printed) + 1))
    if not printed:
        return False
    pattern = ".*".join(re.escape(part) for part in expected[0].split("…"))
    return bool(re.fullmatch(pattern, printed[0])) and fits(expected[1:], printed[1:])


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES)
def test_the_sessions_of_a_page_print_what_it_says(
    page: Path, home: Path, request: pytest.FixtureRequest
) -> None:
    text = page.read_text()
    if EXAMPLE in text:
        text = text.replace(EXAMPLE, f"'{request.getfixturevalue('database')}'")
    todo = steps(text)
    results = run(home, [step.command for step in todo])
    assert len(results) == len(todo), f"the shell ended at: {todo[len(results)].command}"
    for step, (printed, code) in zip(todo, results, strict=True):
        told = "\n".join(step.output or [])
        assert code == 0 or any(word in told for word in FAILURES), (
            f"$ {step.command}\n{printed}\nended with {code}"
        )
        if step.output is not None:
            lines = [alike(line, home) for line in printed.strip("\n").split("\n") if line.strip()]
            wanted = [alike(line, home) for line in step.output if line.strip()]
            assert fits(wanted, lines), f"$ {step.command}\n" + "\n".join(lines)


def test_a_session_is_read_as_a_person_reads_it() -> None:
    text = (
        "<!-- run\nmkdir x\n-->\n```console\n$ echo a \\\n> b\na b\n$ true\n```\n```sh\n$ no\n```"
    )
    assert steps(text) == [
        Step("mkdir x\n", None),
        Step("echo a \\\nb", ["a b"]),
        Step("true", []),
    ]


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    assert alike("ws-abcdef1234 at 1f3a9c0d21, 4.2 MB", tmp_path) == "ID at ID, SIZE"
    assert fits(["a", "…", "z…"], ["a", "b", "c", "zebra"])
    assert not fits(["a", "…", "z"], ["a", "b"])
    assert not fits(["a"], ["a", "b"])
    assert not fits(["a"], [])
    assert run(tmp_path, ["echo hi", "false"]) == [("hi\n", 0), ("", 1)]
