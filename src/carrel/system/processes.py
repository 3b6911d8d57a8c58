"""The one place that starts processes."""

import contextlib
import os
import pwd
import subprocess
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import TypedDict

from carrel.domain.records import dataclass
from carrel.errors import FailedError


@dataclass(frozen=True, slots=True)
class Done:
    """A finished process."""

    code: int
    out: bytes
    err: bytes


def search_path() -> str:
    """Return the PATH that programs are looked up in."""
    return os.environ.get("PATH", os.defpath)


def run(
    command: Sequence[str | bytes],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    timeout: float | None = None,
    user: int | None = None,
) -> Done:
    """Run a command to its end; never through a shell.

    Args:
        command: Argument list.
        stdin: What it reads.
        env: Its whole environment; None passes ours on.
        cwd: Where it runs.
        timeout: Seconds after which it is killed.
        user: User id to run as (only root may change it).

    Raises:
        FailedError: `program_missing` or `program_timeout`.
    """
    try:
        done = subprocess.run(
            command,
            input=stdin,
            env=env,
            cwd=cwd,
            timeout=timeout,
            **_as_user(user),
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise FailedError(
            "program_missing",
            f"The program {os.fsdecode(command[0])!r} can't be started.",
            why=str(error),
            cure="Install it, or put it on the PATH.",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise FailedError(
            "program_timeout",
            f"{os.fsdecode(command[0])!r} gave no answer within {timeout:g} seconds.",
            cure="Look for a broken or special file where it reads, then try again.",
        ) from error
    return Done(done.returncode, done.stdout, done.stderr)


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _as_user(user: int | None) -> _Identity:
    """Return how to start a process as somebody: with his groups, and none of ours."""
    if user is None:
        return {}
    try:
        known = pwd.getpwuid(user)
    except KeyError:  # a number without a name, as in containers
        return {"user": user, "group": user, "extra_groups": []}
    groups = os.getgrouplist(known.pw_name, known.pw_gid)
    return {"user": user, "group": known.pw_gid, "extra_groups": groups}


class Conversation:
    """A process that stays and answers line by line (resident git processes).

    Args:
        command: Argument list.
        env: Its whole environment.
        user: User id to run as.
        patience: Seconds after which a process that owes an answer is killed: where somebody
            else's files are read, one of them may be a pipe. None waits for ever.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        user: int | None = None,
        patience: float | None = None,
    ) -> None:
        self._asked: float | None = None
        self._process = subprocess.Popen(
            command,
            env=env,
            cwd="/",  # it keeps nobody's folder busy
            **_as_user(user),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if self._process.stdin is None or self._process.stdout is None:  # for the type checkers
            raise FailedError("program_missing", f"{command[0]!r} has no pipes.")
        self._input, self._output = self._process.stdin, self._process.stdout
        self.owner = os.getpid()
        # Whoever forgets to close a conversation leaves no process and no pipe behind.
        self._end = weakref.finalize(self, _end, self._process, self.owner)
        if patience is not None:
            watched = weakref.ref(self)
            threading.Thread(target=_watch, args=(watched, patience), daemon=True).start()

    def send(self, data: bytes) -> None:
        """Write and flush."""
        self._input.write(data)
        self._input.flush()

    def line(self) -> bytes:
        """Read one line with its end; empty when the process is gone."""
        self._asked = time.monotonic()
        try:
            return self._output.readline()
        finally:
            self._asked = None

    def exactly(self, count: int) -> bytes:
        """Read `count` bytes."""
        return self._output.read(count)

    def overdue(self, patience: float) -> bool:
        """Tell whether an answer is owed for longer than `patience` seconds."""
        asked = self._asked
        return asked is not None and time.monotonic() - asked > patience

    def give_up(self) -> None:
        """Kill the process; whoever waits for its answer gets an empty one."""
        self._process.kill()

    def alive(self) -> bool:
        """Tell whether the process runs and is a child of this very process."""
        return self.owner == os.getpid() and self._process.poll() is None

    def close(self) -> None:
        """End it and wait for its end."""
        self._end()


def _end(process: "subprocess.Popen[bytes]", owner: int) -> None:
    if owner == os.getpid():
        process.kill()
    for pipe in (process.stdout, process.stdin):
        with contextlib.suppress(BrokenPipeError):  # words it will never read
            if pipe is not None:
                pipe.close()
    if owner == os.getpid():
        process.wait()
    else:
        process.returncode = 0  # after a fork: the child of another, not ours to wait for


def _watch(watched: "weakref.ref[Conversation]", patience: float) -> None:
    while (talk := watched()) is not None and talk.alive():
        if talk.overdue(patience):
            talk.give_up()
            return
        del talk
        time.sleep(patience / 4)
