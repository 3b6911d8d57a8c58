"""What the demonstration is played with, and how it shows a version that lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carrel.cli.stage import pages
from carrel.control.demo import repository, script
from carrel.git.gateway import Git

Cli = Callable[..., Any]
ROOT = Path(__file__).parents[3]


def test_the_version_that_lost_fits_whichever_it_is() -> None:
    """Which agent is the slower one, and so what is shown, differs from run to run."""
    long = "a sentence of a guide, " * 8
    told = pages.loser("git show it", f"{long}\nshort", room=80).plain.splitlines()
    assert told[0] == "$ git show it"
    assert told[1].endswith("…")
    assert [len(line) <= 80 for line in told] == [True, True, True]
    command = f"git show {long}"
    assert pages.loser(command, "", room=80).plain.splitlines()[0] == f"$ {command}"


def test_carrels_own_checkout_stays_untouched(cli: Cli, tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    bare = tmp_path / "stage"
    bare.mkdir()
    own = Git(str(ROOT / ".git"))
    before = own.text("for-each-ref")
    staged = repository.stage(bare)
    assert staged.own
    assert own.text("for-each-ref") == before or own.text("rev-parse", "HEAD") != staged.commit
    git = Git(staged.path)
    assert git.text("rev-parse", "main") == staged.commit
    git.run("fsck", "--connectivity-only")


def test_a_shallow_checkout_gives_its_files(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, git: Callable[..., str]
) -> None:
    source, shallow, bare = tmp_path / "source", tmp_path / "shallow", tmp_path / "stage"
    source.mkdir()
    bare.mkdir()
    git(source, "init", "-q", "-b", "main")
    for text in ("one", "two"):
        (source / "pyproject.toml").write_text(text)
        git(source, "add", ".")
        git(source, "commit", "-qm", text)
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{source}", str(shallow))
    monkeypatch.setattr(repository, "CHECKOUT", shallow)
    staged = repository.stage(bare)
    made = Git(staged.path)
    assert staged.own
    assert made.text("log", "--format=%s", "main") == "As it is today"
    assert made.text("show", "main:pyproject.toml") == "two"
    made.run("fsck", "--connectivity-only")


def test_every_file_of_the_script_is_there() -> None:
    for file in (script.LIMITS, script.LEASES, script.RETENTION):
        assert (ROOT / file).is_file(), f"the script of the demonstration needs {file}"
