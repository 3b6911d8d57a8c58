"""Processes of ours that are forked: there in milliseconds, since they load nothing anew."""

import os
import pickle
import signal
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from carrel.system import faults

Action = Callable[[], object]


def killed_at(point: str, action: Action) -> None:
    """Run an action in a process of its own, which must die at a point, as `NAME[:TIMES]`."""

    def armed() -> object:
        faults.arm(point)
        return action()

    child, told = _forked(armed)
    answer = told.read()
    _, status = os.waitpid(child, 0)
    told.close()
    assert os.WIFSIGNALED(status), (point, answer and pickle.loads(answer))
    assert os.WTERMSIG(status) == signal.SIGKILL, point


def at_once(actions: list[Action]) -> list[Any]:
    """Run each action in a process of its own, all at once; return what they return."""
    gate, opened = os.pipe()

    def waiting(action: Action) -> Action:
        def wait() -> object:
            os.close(opened)
            os.read(gate, 1)  # nobody writes: it ends when the gate opens for all
            return action()

        return wait

    running = [_forked(waiting(action)) for action in actions]
    os.close(gate)
    os.close(opened)
    answers = []
    for child, told in running:
        answer = told.read()
        told.close()
        os.waitpid(child, 0)
        answers.append(pickle.loads(answer) if answer else (None, "It died."))
    for _, error in answers:
        if error:
            pytest.fail(error)
    return [result for result, _ in answers]


def _forked(action: Action) -> tuple[int, Any]:
    """Start an action; return the process and where it tells its result, or else its error."""
    here, there = os.pipe()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        child = os.fork()  # newer Pythons warn of threads: those of the test runner hold nothing
    if child:
        os.close(there)
        return child, os.fdopen(here, "rb")
    answer: tuple[object, str] = (None, "It was interrupted.")
    try:
        os.close(here)
        try:
            answer = action(), ""
        except Exception:  # noqa: BLE001 - told to the parent
            answer = None, traceback.format_exc()
        os.write(there, pickle.dumps(answer))
    finally:
        os._exit(0)
