"""Standing in for another program: exit codes, input, signals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from carrel.system.foreground import environment, stand_in

SHELL = "/bin/sh"


@pytest.mark.parametrize("code", [0, 1, 3, 77])
def test_the_exit_code_passes_through(code: int) -> None:
    assert stand_in([SHELL, "-c", f"exit {code}"], env=environment({})).code == code


def test_death_by_a_signal_is_said_as_shells_say_it() -> None:
    assert stand_in([SHELL, "-c", "kill -TERM $$"], env=environment({})).code == 128 + 15


def test_what_ties_git_to_another_repository_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere/.git")
    monkeypatch.setenv("GIT_INDEX_FILE", "/elsewhere/index")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ann")
    told = stand_in(["env"], env=environment({"MORE": "1"}), capture=True).out.decode()
    assert "GIT_DIR" not in told
    assert "GIT_INDEX_FILE" not in told
    assert "GIT_AUTHOR_NAME=Ann" in told
    assert "MORE=1" in told


def test_git_itself_knows_no_other_variable_of_that_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=True
    )
    for name in done.stdout.split():
        monkeypatch.setenv(name, "x")
        assert name not in environment({})


STANDING_IN = """
import signal, sys
if sys.argv[1] == "listening":  # tests run in the background of a shell ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    del sys.argv[1]
from carrel.system.foreground import environment, stand_in
sys.exit(stand_in(sys.argv[1:], env=environment({})).code)
"""


def standing_in(folder: Path, script: str) -> "subprocess.Popen[bytes]":
    """Start a process that stands in for a shell, which makes `ready` when it listens."""
    process = subprocess.Popen(
        [sys.executable, "-c", STANDING_IN, "listening", SHELL, "-c", script],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while not (folder / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT", "USR1"])
def test_signals_are_passed_on(name: str, tmp_path: Path) -> None:
    script = f"trap 'echo got {name}; exit 9' {name}; touch ready; while :; do sleep 0.02; done"
    process = standing_in(tmp_path, script)
    os.kill(process.pid, getattr(signal, f"SIG{name}"))
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out.strip()) == (9, f"got {name}".encode())


def test_standard_input_is_the_callers(tmp_path: Path) -> None:
    process = standing_in(tmp_path, "touch ready; read line; echo you said $line")
    out, _ = process.communicate(b"hello\n", timeout=20)
    assert out == b"you said hello\n"


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    script = "touch ready; read line; echo still here"
    nohup = f"trap '' HUP; exec {sys.executable} -c '{STANDING_IN}' {SHELL} -c '{script}'"
    process = subprocess.Popen(
        [SHELL, "-c", nohup], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGHUP)
    out, _ = process.communicate(b"\n", timeout=20)
    assert (process.returncode, out) == (0, b"still here\n")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        stand_in(["no-such-program-at-all"], env=environment({}))
