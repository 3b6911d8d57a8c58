"""Starts programs that put themselves into the background, with a lock in their hands."""

import os
import subprocess
from collections.abc import Sequence

from carrel.errors import FailedError
from carrel.system import processes_seen
from carrel.system.processes import search_path

_TIMEOUT = 30.0


def start(command: Sequence[str], *, inherit: Sequence[int]) -> None:
    """Run a program until it has put itself into the background.

    Args:
        command: Argument list.
        inherit: Descriptors it keeps, such as a lock's.

    Raises:
        FailedError: `program_missing` or `program_failed`, with its last words.
    """
    try:
        done = subprocess.run(
            command,
            pass_fds=inherit,
            env={"PATH": search_path(), "LC_ALL": "C"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_TIMEOUT,
            check=False,
        )
    except FileNotFoundError as error:
        raise FailedError(
            "program_missing",
            f"The program {command[0]!r} is not installed.",
            cure=f"Install it (Debian: apt-get install {command[0]}).",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise FailedError(
            "program_timeout",
            f"{command[0]!r} did not start within {_TIMEOUT:g} seconds.",
            cure="Try again when the machine is less busy.",
        ) from error
    if done.returncode:
        raise FailedError(
            "program_failed",
            f"{command[0]!r} ended with exit code {done.returncode}.",
            why=done.stderr.decode(errors="replace").strip()[-300:],
        )


def find(program: str, argument: str) -> int:
    """Return the process that runs `program` with `argument` last; 0 when there is none."""
    wanted = os.fsencode(argument)
    for pid in processes_seen.pids():
        words = processes_seen.arguments_of(pid)
        if words and os.path.basename(words[0]) == program.encode() and words[-1] == wanted:
            return pid
    return 0
