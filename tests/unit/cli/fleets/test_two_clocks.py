"""A rehearsal is decided about by its own time; a deployment whose clock is wrong, not at all."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.conftest import Said

from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.serving import dispatch
from carrel.simulators.coder.simulator import Simulator

CARREL = [sys.executable, "-m", "carrel"]
ALWAYS = """
[policy.quiet_hours]
native = false
start = "00:00"
end = "00:00"
grace_minutes = 0
"""
AHEAD = timedelta(hours=3)
"""So far a fast rehearsal is ahead of us before a program has started."""


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Run a deployment in which ten hours go by in a second."""
    words = ["simulate", "coder", "--workspaces", "12", "--speed", "36000", "--json"]
    with subprocess.Popen([*CARREL, *words], stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            told = json.loads("".join(iter(running.stdout.readline, "}\n")) + "}")
            (tmp_path / "carrel.toml").write_text(ALWAYS)
            yield {
                "CARREL_HOME": str(tmp_path),
                "CODER_URL": told["url"],
                "CODER_SESSION_TOKEN": told["token"],
            }
        finally:
            running.terminate()


def test_programs_follow_the_time_of_a_rehearsal(fast: Mapping[str, str]) -> None:
    def carrel(*words: str) -> dict[str, Any]:
        environment = {key: value for key, value in os.environ.items() if key[:6] != "CARREL"}
        done = subprocess.run(
            [*CARREL, *words, "--json"],
            env={**environment, **fast},
            capture_output=True,
            text=True,
            check=True,
        )
        return dict(json.loads(done.stdout))

    began = datetime.now(UTC)
    seen = datetime.fromisoformat(carrel("quiet-hours", "status")["at"])
    assert seen > began + AHEAD
    carrel("snooze", carrel("fleet", "ls", "--all")["workspaces"][0]["workspace"], "--for", "1h")
    (kept,) = carrel("ledger")["events"]
    assert kept["action"] == "workspace.kept"
    assert datetime.fromisoformat(kept["at"]) > seen
    assert datetime.fromisoformat(kept["data"]["until"]) > seen + timedelta(hours=1)


def test_a_deployment_whose_clock_is_wrong_is_left_alone(
    cli: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_: object) -> dict[str, str]:
        return {}

    monkeypatch.setattr(dispatch, "announced", silent)
    (tmp_path / "carrel.toml").write_text(ALWAYS)
    monkeypatch.setenv("CARREL_CONFIG", str(tmp_path / "carrel.toml"))
    wrong = datetime.now(UTC) - timedelta(minutes=10)
    with Simulator(Population(workspaces=12, people=5, start=wrong)).serving() as deployment:
        monkeypatch.setenv("CODER_URL", deployment.url)
        monkeypatch.setenv("CODER_SESSION_TOKEN", deployment.token)
        for words in (["govern", "--once"], ["fleet", "emergency-stop", "--yes"]):
            error = cli(*words, "--json", expect=6).error
            assert error["code"] == "clock_differs"
            assert "10 minutes behind" in error["message"]
            assert "NTP" in error["cure"]
        assert deployment.history(by="admin") == []
