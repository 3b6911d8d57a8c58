"""Run a merge program of the user's on the versions of one file."""

import os
import stat
import tempfile
from collections.abc import Sequence

from carrel.domain.conflicts import ConflictKind
from carrel.domain.records import dataclass
from carrel.errors import BadInputError, FailedError
from carrel.git.merging.sides import Triple
from carrel.git.merging.union import three_way_mode
from carrel.git.objects import FILE, LINK, SUBMODULE, TREE, Entry, Reader
from carrel.system.processes import run, search_path
from carrel.system.scrubbing import last_words

TIMEOUT = 300.0
"""Seconds a merge program may take for one file."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A merge program did not merge a file.

    Attributes:
        why: One sentence, with the program's exit code and last words where it gave some.
    """

    why: str


def run_program(
    command: Sequence[str], reader: Reader, path: bytes, kind: ConflictKind, triple: Triple
) -> tuple[int, bytes] | Refusal:
    """Let the program merge one file; return mode and bytes, or why it did not.

    The program gets three files and the file to write as its last arguments, and in its
    environment `CARREL_PATH`, `CARREL_KIND` and `CARREL_BASE_MODE`, `CARREL_PARENT_MODE`,
    `CARREL_CHILD_MODE` (octal as in git; empty where that version does not exist, whose file
    is then empty). It says yes by exit code 0 and a written file; anything else means that
    the conflict is left for a person.

    Raises:
        BadInputError: `merge_command_missing`.
        FailedError: `program_missing`.
    """
    if not command:
        raise BadInputError(
            "merge_command_missing",
            "The strategy 'command' is chosen, but no merge program is set.",
            cure="Set one, or choose another strategy.",
        )
    versions = (triple.base, triple.parent, triple.child)
    if any(entry is not None and entry.mode in (SUBMODULE, TREE) for entry in versions):
        return Refusal("A submodule or a folder has no lines that a merge program could merge.")
    with tempfile.TemporaryDirectory(prefix="carrel-merge-") as folder:
        files = [f"{folder}/{name}" for name in ("base", "parent", "child")]
        for file, entry in zip(files, versions, strict=True):
            _write(file, b"" if entry is None else reader.read(entry.oid)[1])
        result = f"{folder}/result"
        environment = {
            "PATH": search_path(),
            "HOME": folder,
            "TMPDIR": folder,
            "LC_ALL": "C.UTF-8",
            "CARREL_PATH": os.fsdecode(path),
            "CARREL_KIND": kind.value,
            **_modes(versions),
        }
        failed = _failure([*command, *files, result], environment, folder)
        if failed is not None:
            return failed
        data = _read(result)
    if data is None:
        return Refusal(f"The merge program {command[0]!r} ended well but wrote no regular file.")
    return _mode(triple), data


def _modes(versions: Sequence[Entry | None]) -> dict[str, str]:
    return {
        f"CARREL_{name}_MODE": "" if entry is None else f"{entry.mode:06o}"
        for name, entry in zip(("BASE", "PARENT", "CHILD"), versions, strict=True)
    }


def _failure(command: Sequence[str], environment: dict[str, str], folder: str) -> Refusal | None:
    """Run the program; return how it failed, or None when it said yes."""
    name = repr(command[0])
    try:
        done = run(command, env=environment, cwd=folder, timeout=TIMEOUT)
    except FailedError as error:
        if error.code == "program_timeout":
            return Refusal(f"The merge program {name} gave no answer within {TIMEOUT:g} seconds.")
        raise
    if done.code == 0:
        return None
    # A negative code is the signal that ended it.
    ended = f"with exit code {done.code}" if done.code > 0 else f"by signal {-done.code}"
    words = last_words(done.err)
    said = f", saying: {words}" if words else ", saying nothing"
    return Refusal(f"The merge program {name} ended {ended}{said}")


def _mode(triple: Triple) -> int:
    present = {entry.mode for entry in (triple.parent, triple.child) if entry is not None}
    if present == {LINK}:
        return LINK
    return FILE if LINK in present else three_way_mode(triple)


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def _read(path: str) -> bytes | None:
    """Read what the program wrote, if it is a regular file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    with open(handle, "rb") as file:
        return file.read()
