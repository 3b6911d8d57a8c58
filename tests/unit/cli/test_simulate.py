"""`carrel simulate coder`, as a program."""

import json
import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_it_says_where_it_is_and_ends_on_ctrl_c(extra):
    program = [sys.executable, "-m", "carrel", "simulate", "coder", "--workspaces", "5"]
    with subprocess.Popen(
        [*program, "--speed", "60", "--start", "2026-11-23T19:30+00:00", *extra],
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            if extra:
                lines = iter(running.stdout.readline, "}\n")
                told = json.loads("".join(lines) + "}")
                assert told["url"].startswith("http://127.0.0.1:")
                assert told["token"]
                assert told["now"].startswith("2026-11-23T19:30")
            else:
                assert running.stdout.readline().startswith("export CODER_URL=http://127.0.0.1:")
                assert running.stdout.readline().startswith("export CODER_SESSION_TOKEN=")
                assert "workspaces run" in running.stdout.readline()
        finally:
            running.send_signal(signal.SIGINT)
        assert running.wait(20) == 130


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--workspaces", "0"], "bad_number"),
        (["--speed", "-1"], "bad_number"),
        (["--port", "70000"], "bad_number"),
        (["--faults", "luck=1"], "bad_fault"),
        (["--start", "teatime"], "bad_moment"),
    ],
)
def test_what_can_not_be_simulated_is_refused(cli, options, code):
    said = cli("simulate", "coder", "--json", *options, expect=2)
    assert said.error["code"] == code
    assert said.out == ""
