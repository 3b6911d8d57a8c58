"""Processes of ours that are killed in the middle."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from carrel.system import faults

Action = Callable[[], object]


@dataclass(frozen=True)
class Ended:
    """How a forked action ended: killed, and the points it passed."""

    killed: bool
    points: list[str]
    error: str


def in_fork(action: Action, spec: str = "") -> Ended:
    """Run an action in a forked process, killed at the point that `spec` names."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        error = ""
        try:
            passed = faults.trace()
            faults.arm(spec)
            try:
                action()
            except Exception as failed:  # noqa: BLE001 - told to the parent
                error = repr(failed)
            os.write(there, json.dumps({"points": passed, "error": error}).encode())
        finally:
            os._exit(0)
    os.close(there)
    with open(here, "rb") as told:
        data = told.read()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    words = json.loads(data) if data else {"points": [], "error": ""}
    return Ended(killed, words["points"], words["error"])


def every_stop(points: list[str]) -> list[str]:
    """Return each pass of each point as a `NAME:TIMES` that `faults.arm` takes."""
    seen: dict[str, int] = {}
    specs = []
    for point in points:
        specs.append(f"{point}:{seen.get(point, 0)}")
        seen[point] = seen.get(point, 0) + 1
    return specs


@pytest.fixture
def run_in_fork() -> Callable[..., Ended]:
    return in_fork


@pytest.fixture
def stops() -> Callable[[list[str]], list[str]]:
    return every_stop
