"""Errors: their shape, their exit codes, and never a bare traceback."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from carrel.cli.app import run
from carrel.cli.failing import Asked, report
from carrel.errors import (
    BadInputError,
    CarrelError,
    FailedError,
    LimitError,
    NotFoundError,
    RefusedError,
)

PLAIN, JSON = Asked(as_json=False, debug=False), Asked(as_json=True, debug=False)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (FailedError, 1),
        (BadInputError, 2),
        (LimitError, 4),
        (NotFoundError, 5),
        (RefusedError, 6),
    ],
)
def test_exit_codes(kind: type[CarrelError], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    error = kind("some_code", "It failed.", why="It rained.", cure="Wait.")
    assert report(error, PLAIN) == code
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "Error: It failed.\n  It rained.\n  → Wait.\n")
    assert report(error, JSON) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert json.loads(told.err) == {
        "error": {"code": "some_code", "message": "It failed. It rained.", "cure": "Wait."}
    }


def raised(error: Exception) -> Exception:
    """Give an error a traceback."""
    try:
        raise error
    except type(error) as same:
        return same


def test_a_mistake_of_ours_leaves_its_traceback_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert report(raised(ZeroDivisionError("by \udcff")), JSON) == 1
    told = json.loads(capsys.readouterr().err)["error"]
    assert told["code"] == "unexpected"
    (trace,) = tmp_path.glob("carrel-*.trace")
    assert str(trace) in told["cure"]
    assert "Traceback" in trace.read_text()
    assert trace.stat().st_mode & 0o077 == 0


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    error = raised(NotFoundError("gone", "It is gone."))
    assert report(error, Asked(as_json=False, debug=True)) == 5
    assert "Traceback" in capsys.readouterr().err


def test_what_is_asked_is_read_before_the_double_dash() -> None:
    assert Asked.read(["exec", "a", "--json", "--", "x"]).as_json
    assert not Asked.read(["exec", "a", "--", "x", "--json"]).as_json
    assert Asked.read(["--debug", "ls"]).debug


def usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    assert run(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    error = json.loads(told.err)["error"]
    assert error["code"] == "usage"
    return error["message"], error["cure"]


@pytest.mark.parametrize(
    ("arguments", "says", "cure"),
    [
        (["show", "--json"], "Missing argument 'WS'.", "See 'carrel show --help'."),
        (["show", "a", "b", "--json"], "unexpected extra argument", "carrel show --help"),
        (["ls", "--every", "--json"], "No such option: --every", "carrel ls --help"),
        (["mark", "a", "lost", "--json"], "'lost' is none of: failed, open", "carrel mark"),
        (["ledger", "--last", "x", "--json"], "'x' is no whole number", "carrel ledger"),
        (["trash", "--json"], "No such option: --json", "carrel trash --help"),
        (["trash", "lst", "--json"], "Did you mean 'ls'?", "carrel trash --help"),
    ],
)
def test_wrong_usage_says_what_and_where_to_look(
    arguments: list[str], says: str, cure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    message, told = usage(arguments, capsys)
    assert says in message
    assert cure in told


def process(*arguments: str, home: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "CARREL_HOME": str(home)}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "carrel", *arguments], env=env, text=True, check=False, **settings
    )


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = process("config", "show", home=tmp_path, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_the_process_ends_with_the_code_of_the_error(tmp_path: Path) -> None:
    done = process("show", "nobody", "--json", home=tmp_path, capture_output=True)
    assert (done.returncode, done.stdout) == (5, "")
    assert json.loads(done.stderr)["error"]["code"] == "unknown_workspace"


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    (tmp_path / "carrel.toml").write_text("[workspace]\nmax_cuont = 3\n")
    done = process("ls", home=tmp_path, capture_output=True)
    assert done.returncode == 2
    assert re.search(r"carrel\.toml:2.*max_cuont", done.stderr)
    assert "max_count" in done.stderr
