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

from carrel.control.demo import repository

Cli = Callable[..., Any]
KINDS = {"content", "add/add", "modify/delete", "rename/rename 1to2"}

pytestmark = pytest.mark.timeout(120)


def left_over(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.name.startswith("carrel-")]


def test_the_demonstration_plays_to_its_end(cli: Cli, tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"
    told = cli("demo", "--json", "--picture", str(picture)).json
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
    said = cli("demo", "--json", expect=1)
    assert said.error["code"] == "demo_failed"
    assert said.out == ""


def test_kept_it_can_be_looked_at(cli: Cli, tmp_path: Path) -> None:
    out = cli("demo", "--keep").out
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
    assert "\x1b[32m" in shown.decode()


def test_an_installed_package_plays_on_a_sample(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "CHECKOUT", tmp_path)
    told = cli("demo", "--json").json
    assert not told["repository"]["own"]
    assert told["proof"]["lost"] == []
    kinds = {settled["kind"] for one in told["merges"] for settled in one["settlements"]}
    assert kinds >= KINDS
