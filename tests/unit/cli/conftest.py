"""The command line in this very process, on a throwaway home and a small repository."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from carrel.cli.app import run
from carrel.testing.molds import mold


@dataclass
class Said:
    """What a command line ended with."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one document on standard output."""
        return dict(json.loads(self.out))

    @property
    def error(self) -> dict[str, str]:
        """The error on standard error."""
        return dict(json.loads(self.err)["error"])


Cli = Callable[..., Said]


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Cli:
    for name in ("NO_COLOR", "FORCE_COLOR", "CARREL_DEBUG", "CARREL_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CARREL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CARREL_WORKSPACE_DISK_THRESHOLD_GB", "0")
    # No mounts: whoever makes a namespace beside us would keep them.
    monkeypatch.setenv("CARREL_WORKSPACE_DRIVER", "checkout")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, expect: int | None = 0) -> Said:
        capfdbinary.readouterr()
        code = run(list(arguments))
        out, err = capfdbinary.readouterr()
        said = Said(code, out.decode(errors="surrogateescape"), err.decode())
        assert expect is None or code == expect, said
        return said

    return call


@pytest.fixture(name="git")
def run_git() -> Callable[..., str]:
    """Git as a person runs it, in a folder."""
    return git


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person does, without the machine's configuration."""
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "Ann" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ann@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository of three files on main: to be copied, never to be changed."""
    folder = tmp_path_factory.mktemp("first")
    work = folder / "work"
    work.mkdir()
    git(work, "init", "-q", "--template=", "-b", "main")
    (work / "a.txt").write_text("one\ntwo\nthree\n")
    (work / "b.txt").write_text("b\n")
    (work / "run.sh").write_text("#!/bin/sh\necho run\n")
    git(work, "add", ".")
    git(work, "commit", "-qm", "Start")
    git(folder, "clone", "-q", "--template=", "--bare", "work", "site.git")
    return folder / "site.git"


@pytest.fixture
def repository(tmp_path: Path, first: Path) -> Path:
    """A bare repository of three files on main."""
    mold(first).write(tmp_path / "site.git")
    return tmp_path / "site.git"


@pytest.fixture
def workspace(cli: Cli, repository: Path) -> Path:
    """The folder of the workspace `ann`."""
    cli("init", str(repository))
    return Path(cli("new", "ann", "--json").json["working_directory"])


@pytest.fixture(autouse=True)
def let_go(tmp_path: Path) -> Iterator[None]:
    """Unmount what a test left mounted."""
    yield
    mounts = Path("/proc/self/mountinfo")
    if mounts.exists():
        points = [line.split()[4] for line in mounts.read_text().splitlines()]
        for point in points:
            if point.startswith(f"{tmp_path}/"):
                subprocess.run(["umount", "-l", point], check=False)
