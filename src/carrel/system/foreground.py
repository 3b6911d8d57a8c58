"""Running a program in our place: its terminal is ours, its signals and its exit code too."""

import os
import signal
import subprocess
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from carrel.system.processes import Done

_FORWARDED = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_TYPED = (signal.SIGINT, signal.SIGQUIT)
_LOCAL_TO_A_REPOSITORY = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return our environment without what ties git to another repository (inside a hook, say).

    Args:
        extra: Variables on top.
    """
    ours = {name: value for name, value in os.environ.items() if name not in _LOCAL_TO_A_REPOSITORY}
    return {**ours, **extra}


def stand_in(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | None = None,
    capture: bool = False,
) -> Done:
    """Run a program to its end with our standard input, and signals passed on.

    Args:
        command: Argument list.
        env: Its whole environment.
        cwd: Where it runs.
        capture: Collect its output instead of letting it write to ours.

    Returns:
        Its exit code; 128 + n when signal n ended it, as shells say it.

    Raises:
        OSError: The program can't be started.
    """
    pipe = subprocess.PIPE if capture else None
    with _passing_on() as started:
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=pipe, stderr=pipe)
        started(process)
        out, err = process.communicate()
    code = process.returncode
    return Done(code if code >= 0 else 128 - code, out or b"", err or b"")


class _Relay:
    """Passes signals on to a process, also those that came before it had started."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def __call__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        for number in self._early:
            process.send_signal(number)

    def handle(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        elif not (number in _TYPED and _in_terminals_foreground()):
            self._process.send_signal(number)


@contextmanager
def _passing_on() -> Generator[_Relay]:
    relay = _Relay()
    if threading.current_thread() is not threading.main_thread():
        yield relay  # only the main thread may handle signals
        return
    before = {
        number: signal.signal(number, relay.handle)
        for number in _FORWARDED
        if signal.getsignal(number) is not signal.SIG_IGN  # the child ignores it too
    }
    try:
        yield relay
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_terminals_foreground() -> bool:
    """Tell whether the terminal itself gives typed signals to us, and so to our child."""
    for stream in (0, 1, 2):
        try:
            return os.tcgetpgrp(stream) == os.getpgrp()
        except OSError:
            continue
    return False
