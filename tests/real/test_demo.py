"""The demonstration: plays to its end, loses nothing, leaves nothing."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from carrel.cli.answers import ANSWERS
from carrel.cli.stage import night
from carrel.control.demo import repository
from carrel.errors import BadInputError
from carrel.simulators.coder.serving.dispatch import Asked, Reply
from carrel.simulators.coder.simulator import Simulator

Cli = Callable[..., Any]
KINDS = {"content", "add/add", "modify/delete", "rename/rename 1to2"}

pytestmark = pytest.mark.timeout(120)


def left_over(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.name.startswith("carrel-")]


def test_the_demonstration_plays_to_its_end(cli: Cli, tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"
    told = cli("demo", "--json", "--picture", str(picture)).json
    assert list(told) == ANSWERS["demo"].split()
    assert [one["agent_id"] for one in told["agents"]] == ["ada", "ben", "cleo", "dan", "eve"]
    assert {name: len(one["checkpoints"]) for name, one in by_name(told).items()} == {
        "ada": 1,
        "ben": 2,
        "cleo": 1,
        "dan": 1,
        "eve": 1,
    }
    assert "SyntaxError" in by_name(told)["ben"]["failures"][0]
    assert [one["agent_id"] for one in told["merges"]] == told["prediction"]["order"]
    kinds = {settled["kind"] for one in told["merges"] for settled in one["settlements"]}
    assert kinds >= KINDS
    assert told["proof"]["main_compiles"]
    assert told["proof"]["lost"] == []
    assert told["proof"]["written"] == told["proof"]["merged"] + told["proof"]["kept"] >= 15
    assert told["proof"]["kept"] > 0
    assert len(told["removed"]) + len(told["not_removed"]) == 5
    assert told["ledger"]["broken_at"] is None
    assert left_over(tmp_path) == []
    drawing = picture.read_text(encoding="utf-8")
    ET.fromstring(drawing)
    assert "Try" in drawing
    assert not re.search(r"https?://(?!www\.w3\.org|www\.textualize\.io)", drawing)


def by_name(told: dict[str, Any]) -> dict[str, Any]:
    return {one["agent_id"]: one for one in told["agents"]}


def test_what_it_proves_can_be_false(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carrel.control.demo.proof._losing", lambda *_: [])
    said = cli("demo", "--only", "workspaces", "--json", expect=1)
    assert said.error["code"] == "demo_failed"
    assert said.out == ""


def test_kept_it_can_be_looked_at(cli: Cli, tmp_path: Path) -> None:
    out = cli("demo", "--only", "workspaces", "--keep").out
    (folder,) = left_over(tmp_path)
    home = f"{folder}/home"
    listed = process("ls", "--json", CARREL_HOME=home).stdout
    assert listed.count('"outcome": "merged"') == 5
    shown = re.search(r"^\$ git (--git-dir=\S+) show (\S+)$", out, re.MULTILINE)
    assert shown is not None
    assert subprocess.run(["git", shown[1], "show", shown[2]], check=True, capture_output=True)
    cleaning = re.search(r"clean up +(for .*)$", out, re.MULTILINE)
    assert cleaning is not None
    carrel = f'carrel() {{ "{sys.executable}" -m carrel "$@"; }}; {cleaning[1]}'
    env = {**os.environ, "CARREL_HOME": home}
    subprocess.run(["bash", "-ec", carrel], env=env, check=True, capture_output=True)
    assert left_over(tmp_path) == []


def process(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "carrel", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.parametrize("width", [80, 120])
def test_on_a_terminal_it_fits(width: int, cli: Cli, tmp_path: Path) -> None:
    """Played for real on a terminal of its own, only faster."""
    program = (
        "import sys; from carrel.cli.stage import performing; performing.PACE = 0.01;"
        "sys.argv = ['carrel', 'demo']; from carrel.__main__ import main; sys.exit(main())"
    )
    ours, theirs = pty.openpty()
    variables = {"TERM": "xterm-256color", "COLUMNS": str(width), "TMPDIR": str(tmp_path)}
    playing = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **variables},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert playing.wait() == 0, shown.decode()
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    lines = re.split(r"[\r\n]+", plain)
    assert not [line for line in lines if len(line) > width]
    assert any("Nothing is lost" in line for line in lines)
    assert any("goes into the night" in line for line in lines)
    assert any("Taken back" in line for line in lines)
    assert "\x1b[32m" in shown.decode()


def test_an_installed_package_plays_on_a_sample(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "CHECKOUT", tmp_path)
    told = cli("demo", "--only", "workspaces", "--json").json
    assert told["fleet"] is None
    assert not told["repository"]["own"]
    assert told["proof"]["lost"] == []
    kinds = {settled["kind"] for one in told["merges"] for settled in one["settlements"]}
    assert kinds >= KINDS


def test_the_fleet_goes_into_the_night_and_comes_back(cli: Cli, tmp_path: Path) -> None:
    told = cli("demo", "--only", "fleet", "--json").json
    assert told["agents"] is None
    fleet = told["fleet"]
    assert [one["at"][11:16] for one in fleet["evening"]] == [
        "17:30", "18:00", "18:10", "19:00", "19:30"
    ]  # fmt: skip
    planned = {one["workspace"] for one in fleet["plan"]["actions"]}
    assert len(planned) >= 10
    assert fleet["kept"] not in planned
    assert fleet["kept"] in {one["workspace"] for one in fleet["plan"]["held_back"]}
    states = {one["state"] for one in fleet["report"]["progress"]}
    assert states <= {"done", "skipped"}
    assert fleet["report"]["end"] == fleet["undone"]["end"] == "over"
    assert fleet["explained"]["workspace"] == fleet["kept"]
    assert fleet["explained"]["winner"] == "keep_alive"
    assert {one["outcome"] for one in fleet["explained"]["rules"]} >= {"wins", "overruled"}
    assert {one["state"] for one in fleet["undone"]["progress"]} <= {"done", "skipped"}
    assert fleet["chain"]["intact"]
    assert left_over(tmp_path) == []


def test_the_night_is_the_same_each_time(cli: Cli) -> None:
    first, second = (cli("demo", "--only", "fleet", "--json").json["fleet"] for _ in range(2))
    assert first["evening"] == second["evening"]
    assert first["plan"]["actions"] == second["plan"]["actions"]


def test_a_night_that_goes_wrong_is_no_success(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Simulator, "double_stops", lambda *_: ["one"])
    said = cli("demo", "--only", "fleet", "--json", expect=1)
    assert said.error["code"] == "demo_failed"
    assert "twice" in said.error["message"]


def test_no_token_of_the_user_is_sent_anywhere(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODER_URL", "https://coder.example.org")
    monkeypatch.setenv("CODER_SESSION_TOKEN", "somebodys-own")
    asked: list[str] = []
    answer = Simulator.answer

    def spy(self: Simulator, request: Asked) -> Reply:
        asked.append(request.headers.get("coder-session-token", ""))
        return answer(self, request)

    monkeypatch.setattr(Simulator, "answer", spy)
    cli("demo", "--only", "fleet", "--json")
    assert asked
    assert "somebodys-own" not in asked


def test_without_the_packages_of_fleets_the_first_half_is_played(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise BadInputError("extra_missing", "A package is missing.", cure="pip install it")

    monkeypatch.setattr(night, "perform", missing)
    said = cli("demo", "--only", "fleet")
    assert "left out: A package is missing." in said.out
    assert "pip install it" in said.out


def test_there_are_two_halves(cli: Cli) -> None:
    assert cli("demo", "--only", "people", "--json", expect=2).error["code"] == "unknown_half"
