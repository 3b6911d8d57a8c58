"""The JSON documents have the fields that the reference promises."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carrel.cli.answers import ANSWERS, WITHIN
from carrel.cli.catalogue import SECTIONS
from carrel.cli.loading import load

Cli = Callable[..., Any]


def names() -> set[str]:
    """Return every command that can be given; those on fleets are tried in fleets/."""
    found: set[str] = set()
    sections = [commands for title, commands in SECTIONS.items() if title != "Fleets"]
    for name in (name for commands in sections for name in commands):
        inner = getattr(load(name), "commands", {})
        found |= {f"{name} {sub}" for sub in inner} or {name}
        found |= {name} & {"ledger", "projects"}
    return found


def inside(key: str, found: dict[str, Any]) -> None:
    assert set(found) == set(WITHIN[key].split()), key


class Asker:
    """Asks for JSON documents and compares their fields."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        self.asked: set[str] = set()

    def __call__(self, name: str, *rest: str, expect: int | None = 0) -> dict[str, Any]:
        document = self.cli(*name.split(), "--json", *rest, expect=expect).json
        assert set(document) == set(ANSWERS[name].split()), name
        self.asked.add(name)
        return dict(document)


def test_every_command_answers_with_its_fields(
    cli: Cli, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Asker(cli)
    about_this_machine(ask, tmp_path)
    work(ask, repository, monkeypatch)
    together(ask)
    afterwards(ask, monkeypatch)
    assert set(ANSWERS) == names()
    assert names() - ask.asked == {"demo"}  # test_demo.py


def about_this_machine(ask: Asker, folder: Path) -> None:
    (folder / "base.yaml").write_text("workspace:\n  max_count: 9\n")
    for name in ("db current", "db upgrade", "db check", "config path"):
        ask(name)
    inside("config show: settings[]", ask("config show")["settings"][0])
    inside("doctor: checks[]", ask("doctor", expect=None)["checks"][0])
    ask("config import", str(folder / "base.yaml"))
    ask("completion", "bash")


def work(ask: Asker, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("init", str(repository))
    inside("projects[]", ask("projects")["projects"][0])
    folder = Path(ask("new", "ann")["working_directory"])
    (folder / "a.txt").write_text("one\nann\nthree\n")
    (folder / "b.txt").rename(folder / "c.txt")
    inside("workspaces[]", ask("ls")["workspaces"][0])
    ask("show", "ann")
    ask("path", "ann")
    ask("exec", "ann", "--", "true")
    monkeypatch.setenv("SHELL", "true")
    ask("shell", "ann")
    ask("checkpoint", "ann")
    inside("checkpoints[]", ask("checkpoints", "ann")["checkpoints"][0])
    renamed = ask("changes", "ann")["files_renamed"][0]
    inside("changes: files_renamed[], files_copied[]", renamed)
    inside("restore: saved", ask("restore", "ann", "1")["saved"])


def together(ask: Asker) -> None:
    folder = Path(ask("new", "bob")["working_directory"])
    (folder / "a.txt").write_text("one\nbob\nthree\n")
    told = ask("conflicts")
    inside("conflicts: pairs[], against_target[]", told["pairs"][0])
    inside("pairs[]: conflicts[]", told["pairs"][0]["conflicts"][0])
    inside("conflicts: steps[]", told["steps"][0])
    ask("merge", "ann")
    settled = ask("merge", "bob")["settlements"][0]
    inside("merge: settlements[]", settled)
    inside("settlements[]: winning[], losing[]", settled["losing"][0])


def afterwards(ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("mark", "bob", "failed")
    ask("rm", "bob")
    inside("workspaces[]", ask("trash ls")["workspaces"][0])
    ask("trash restore", "bob")
    monkeypatch.setenv("CARREL_RETENTION_FAILED_HOURS", "0")
    inside("actions[]", ask("gc", "--dry-run")["actions"][0])
    ask("tend", "--dry-run")
    ask("reconcile", "--dry-run")
    inside("ledger: events[]", ask("ledger")["events"][0])
    ask("ledger verify")
    ask("trash empty", "--dry-run")
    for name in ("ann", "bob"):
        ask("rm", name)
    ask("trash empty")
    ask("projects rm", "site")


def test_a_difference_is_told_with_its_fields(cli: Cli, workspace: Path) -> None:
    """A folder that nobody knows is what a crash could leave."""
    stranger = workspace.parent.parent / "ws-stranger00"
    stranger.mkdir()
    (found,) = cli("reconcile", "--dry-run", "--json").json["findings"]
    inside("reconcile: findings[]", found)
    assert stranger.exists()
    told = cli("reconcile").out
    assert "No workspace in the database owns it." in told
    assert "1 difference, 1 repaired." in told
    assert not stranger.exists()


def test_who_sits_there_is_told(cli: Cli, workspace: Path) -> None:
    inner = f"{sys.executable} -m carrel show ann --json"
    told = json.loads(cli("exec", "ann", "--", "sh", "-c", inner).out)
    inside("workspaces[].lease, or null", told["lease"])


def test_what_a_checkpoint_left_out_is_told(
    cli: Cli, workspace: Path, git: Callable[..., str]
) -> None:
    """A repository of its own inside the tree."""
    (workspace / "vendor").mkdir()
    (workspace / "vendor" / "file.txt").write_text("theirs\n")
    git(workspace / "vendor", "init", "-q")
    git(workspace / "vendor", "add", ".")
    git(workspace / "vendor", "commit", "-qm", "Theirs")
    (workspace / "new.txt").write_text("new\n")
    (skipped,) = cli("checkpoint", "ann", "--json").json["skipped"]
    inside("checkpoint: skipped[]", skipped)
    assert skipped["path"].startswith("vendor")
    (unsaved,) = cli("rm", "ann", "--discard", "--dry-run", "--json").json["unsaved"]
    inside("rm: unsaved[]", unsaved)
    assert "not saved vendor" in cli("rm", "ann", "--discard", "--dry-run").out
    (workspace / "new.txt").write_text("newer\n")
    (workspace / ".gitattributes").write_text("*.txt filter=lfs\n")
    told = cli("checkpoint", "ann").out
    assert "left out vendor" in told
    assert "noted new.txt: stored as it is on disk" in told
