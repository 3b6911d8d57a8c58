"""What the five agents of the demonstration do: the same files, in ways that clash."""

import re
from collections.abc import Callable
from pathlib import Path

from carrel.domain.records import dataclass

LIMITS = "src/carrel/domain/limits.py"
LEASES = "src/carrel/domain/leases.py"
RETENTION = "src/carrel/domain/retention.py"
GUIDE = "docs/limits.md"
CHANGES = "CHANGELOG.md"

Act = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing an agent does in its tree.

    Attributes:
        said: How it is told, a few words.
        act: What is done to the folder.
    """

    said: str
    act: Act


@dataclass(frozen=True, slots=True)
class Agent:
    """One scripted agent.

    Attributes:
        name: Its name.
        task: What it was asked for.
        steps: What it does.
        repair: What it does when its first attempt is found invalid.
        commits: It commits its work itself, by ordinary git; the others leave it uncommitted.
    """

    name: str
    task: str
    steps: tuple[Step, ...]
    repair: tuple[Step, ...] = ()
    commits: bool = False


def rewrite(file: str, pattern: str, new: str) -> Step:
    """Replace the first match of a pattern; a file without one gets the text as a comment."""

    def act(tree: Path) -> None:
        text = _read(tree / file)
        changed = re.sub(pattern, new, text, count=1)
        _write(tree / file, changed if changed != text else f"{text}# {new.strip()}\n")

    return Step(f"edits {_base(file)}", act)


def write(file: str, text: str) -> Step:
    """Make a file."""
    return Step(f"adds {_base(file)}", lambda tree: _write(tree / file, text))


def delete(file: str) -> Step:
    """Delete a file."""
    return Step(f"deletes {_base(file)}", lambda tree: (tree / file).unlink(missing_ok=True))


def rename(old: str, new: str) -> Step:
    """Rename a file."""

    def act(tree: Path) -> None:
        (tree / old).rename(tree / new)

    return Step(f"renames {_base(old)} to {_base(new)}", act)


def note(name: str, text: str) -> Step:
    """Add a line at the end of the change log, where everybody adds one."""

    def act(tree: Path) -> None:
        present = _read(tree / CHANGES) or "# Changelog\n\n"
        _write(tree / CHANGES, f"{present.rstrip()}\n- {text} ({name})\n")

    return Step(f"notes it in {CHANGES}", act)


def _base(file: str) -> str:
    return file.rpartition("/")[2]


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


_GUIDE_BY_ADA = """# Limits

At most 200 workspaces are open at once. Ask before you raise it.
"""

_GUIDE_BY_BEN = """# Limits of one machine

Every open workspace counts, whoever made it. A hundred is plenty for a laptop.
The disk has a limit too: see `disk_threshold_gb`.
"""

AGENTS = (
    Agent(
        "ada",
        "Allow more workspaces",
        (
            rewrite(LIMITS, r"max_count: int = \d+", "max_count: int = 200"),
            write(GUIDE, _GUIDE_BY_ADA),
            note("ada", "Up to 200 workspaces may be open."),
        ),
        commits=True,
    ),
    Agent(
        "ben",
        "Explain the limits",
        (
            rewrite(LIMITS, r"max_count: int = \d+", "max_count: int = (100"),
            rewrite(LIMITS, r"What may exist at once\.", "What one machine may hold at once."),
            write(GUIDE, _GUIDE_BY_BEN),
            note("ben", "The limits are explained."),
        ),
        repair=(rewrite(LIMITS, r"int = \(100", "int = 100"),),
    ),
    Agent(
        "cleo",
        "Call leases tenancies",
        (
            rename(LEASES, "src/carrel/domain/tenancies.py"),
            rewrite("src/carrel/domain/tenancies.py", r"Who sits in", "Who is the tenant of"),
            note("cleo", "Leases are called tenancies."),
        ),
    ),
    Agent(
        "dan",
        "Remove what nobody needs",
        (
            delete(RETENTION),
            rewrite(LEASES, r"seconds=\d+", "seconds=90"),
            note("dan", "Retention is gone; a lease lives 90 seconds."),
        ),
        commits=True,
    ),
    Agent(
        "eve",
        "Keep work longer",
        (
            rewrite(RETENTION, r"idle: timedelta = .*", "idle: timedelta = timedelta(days=30)"),
            rename(LEASES, "src/carrel/domain/occupancy.py"),
            note("eve", "Idle workspaces are kept for 30 days."),
        ),
    ),
)
