"""Generates the repository that is measured on: the same one, byte for byte, every time.

The branch `main` has all files, lines of syllables. `near-N` changes a hundred files
of it, `target-N` ten, `wide-N` a thousand: what others did meanwhile, for merges to meet.
"""

import functools
import os
import random
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.peer import ENVIRONMENT, git

LEAST_FILES = 2_000
FILES_A_FOLDER = 25
LINES = (50, 130)
"""A file has about 5 kB: 50 to 130 lines of about 50 characters."""

NEARS, TARGETS, WIDES = 8, 60, 6
"""How many branches of each kind there are."""

_POOL = 20_000
_SYLLABLES = [
    "ka",
    "re",
    "lo",
    "mi",
    "tu",
    "san",
    "ber",
    "dol",
    "fen",
    "gir",
    "hul",
    "jom",
    "nes",
    "pav",
    "quor",
    "rit",
    "sel",
    "tam",
    "vex",
    "wyn",
]
_AUTHOR = "Bench <bench@example.org> 1700000000 +0000"


@dataclass(frozen=True)
class Repository:
    """A generated bare repository: where it is, and how many files it has."""

    path: str
    files: int


def name_of(number: int) -> str:
    """Return the path of the file with a number."""
    folder = number // FILES_A_FOLDER
    return f"area{folder // 50:03d}/part{folder:04d}/file{number % FILES_A_FOLDER:02d}.txt"


def spread(count: int, files: int, shift: int) -> list[int]:
    """Return `count` file numbers, far apart, that another `shift` has none of."""
    step = files // count
    return [number * step + shift % step for number in range(count)]


def provide(path: str, files: int, keep: str | None) -> Repository:
    """Make the repository at `path`.

    Args:
        path: Where.
        files: How many files it gets.
        keep: Folder where an untouched copy of it is kept for the next time, or None.
    """
    if keep is None:
        _generate(path, files)
    else:
        stored = f"{os.path.realpath(keep)}/bench-{files}.git"
        _generate(stored, files)
        shutil.copytree(stored, path)
    return Repository(path, files)


def _generate(path: str, files: int) -> None:
    if not os.path.isdir(path):
        draft = f"{path}.draft"
        subprocess.run(
            ["git", "init", "-q", "--bare", "-b", "main", draft], check=True, env=ENVIRONMENT
        )
        with subprocess.Popen(
            ["git", f"--git-dir={draft}", "fast-import", "--quiet"],
            stdin=subprocess.PIPE,
            env=ENVIRONMENT,
        ) as process:
            assert process.stdin is not None
            for part in _history(files):
                process.stdin.write(part)
            process.stdin.close()
        if process.returncode:
            raise SystemExit("git fast-import failed")
        git(draft, "pack-refs", "--all")
        git(draft, "commit-graph", "write", "--reachable")
        git(draft, "config", "gc.auto", "0")
        os.rename(draft, path)


def _history(files: int) -> Iterator[bytes]:
    yield _commit("main", "All files")
    for number in range(files):
        yield _file(number, _text(number))
    for n in range(NEARS):
        yield from _change(f"near-{n}", spread(100, files, n), files)
    for n in range(TARGETS):  # odd shifts: agents take the even ones
        yield from _change(f"target-{n}", spread(10, files, 2 * n + 1), files)
    for n in range(WIDES):
        yield from _change(f"wide-{n}", range(500, 1500), files)


def _change(branch: str, numbers: Iterable[int], files: int) -> Iterator[bytes]:
    yield _commit(branch, f"The work of {branch}", start="refs/heads/main")
    for number in numbers:
        yield _file(number % files, _text(number) + f"said by {branch}\n".encode())


@functools.cache
def _pool() -> tuple[bytes, ...]:
    dice = random.Random(5)
    return tuple(_line(dice) for _ in range(_POOL))


def _line(dice: random.Random) -> bytes:
    words = ("".join(dice.choices(_SYLLABLES, k=dice.randint(1, 3))) for _ in range(8))
    return f"{' '.join(words)}\n".encode()


def _text(number: int) -> bytes:
    dice = random.Random(number)
    return b"".join(dice.choices(_pool(), k=dice.randint(*LINES)))


def _commit(branch: str, message: str, start: str = "") -> bytes:
    origin = f"from {start}\n" if start else ""
    return (
        f"commit refs/heads/{branch}\ncommitter {_AUTHOR}\ndata {len(message)}\n{message}\n{origin}"
    ).encode()


def _file(number: int, text: bytes) -> bytes:
    return f"M 100644 inline {name_of(number)}\ndata {len(text)}\n".encode() + text + b"\n"
