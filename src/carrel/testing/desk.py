"""A desk: one workspace on a real repository, made by the plainest driver.

For tests of the tree engine: a person's files, a person's git, and checkpoints of them.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from carrel.domain.workspaces import Place
from carrel.git.capturing.checkpoint import Captured, capture, record
from carrel.git.capturing.subject import Subject
from carrel.git.storing import sources, stores
from carrel.git.storing.stores import Stores
from carrel.ports.driver import Driver, Seed
from carrel.system.processes import run, search_path
from carrel.testing.molds import mold
from carrel.testing.plain import PlainDriver

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSON = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(
    where: str | Path,
    *arguments: str | bytes,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Run git as a person does, with the repository's own configuration; it must succeed."""
    done = run(
        ["git", *arguments],
        stdin=stdin,
        env={"PATH": search_path(), "HOME": "/nonexistent", **PERSON, **(env or {})},
        cwd=str(where),
        timeout=30,
    )
    if done.code != 0:
        raise AssertionError(f"git {arguments}: {done.err.decode(errors='replace')}")
    return done.out


@dataclass
class Desk:
    """A workspace with its stores.

    Attributes:
        subject: The workspace as the tree engine sees it.
        start: The commit it started at.
        last: Its last checkpoint.
        number: How many checkpoints were recorded.
    """

    subject: Subject
    start: str
    last: str
    number: int = 0

    @property
    def tree(self) -> Path:
        """Folder of its files."""
        return Path(self.subject.place.tree)

    @property
    def stores(self) -> Stores:
        """The project's stores."""
        return self.subject.stores

    def git(
        self, *arguments: str | bytes, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> str:
        """Run the occupant's git and return what it says."""
        return os.fsdecode(git(self.tree, *arguments, stdin=stdin, env=env)).rstrip("\n")

    def git_bytes(
        self, *arguments: str | bytes, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> bytes:
        """Run the occupant's git and return its output as bytes."""
        return git(self.tree, *arguments, stdin=stdin, env=env)

    def write(self, path: str | bytes, data: bytes = b"", mode: int = 0o644) -> Path:
        """Write a file, with the folders above it."""
        whole = Path(os.fsdecode(os.fsencode(self.tree) + b"/" + os.fsencode(path)))
        whole.parent.mkdir(parents=True, exist_ok=True)
        if whole.is_symlink():
            whole.unlink()
        whole.write_bytes(data)
        whole.chmod(mode)
        return whole

    def capture(
        self,
        *,
        head: str | None = None,
        allow_empty: bool = False,
        most: int = 1_000_000,
        keep: bool = True,
        leave_out: bool = False,
    ) -> Captured:
        """Take a checkpoint, and record it unless told otherwise."""
        captured = capture(
            self.subject,
            last=self.last,
            head=head,
            start=self.start,
            message="Checkpoint",
            when=WHEN,
            identity=("Carrel", "carrel@localhost"),
            max_file_bytes=most,
            allow_empty=allow_empty,
            leave_out=leave_out,
        )
        if keep and captured.commit != self.last:
            self.number += 1
            record(
                self.stores,
                self.subject.place.workspace_id,
                number=self.number,
                commit=captured.commit,
                previous=self.last if self.number > 1 else "",
            )
            self.last = captured.commit
        return captured

    def files(self, tree: str) -> dict[str, tuple[str, bytes]]:
        """Return every file of a tree: path to mode and bytes."""
        found: dict[str, tuple[str, bytes]] = {}
        listed = self.stores.vault.run("ls-tree", "-r", "-z", tree).out
        for line in listed.split(b"\0")[:-1]:
            facts, _, path = line.partition(b"\t")
            mode, kind, oid = facts.decode().split()
            data = self.stores.vault_reader.read(oid)[1] if kind == "blob" else oid.encode()
            found[os.fsdecode(path)] = (mode, data)
        return found

    def oracle(self, *options: str) -> str:
        """Return the tree that `git add -A` makes of the same files, as a person runs it."""
        index = f"{self.subject.place.home}/oracle-index"
        objects = f"{self.subject.place.home}/oracle-objects"
        os.makedirs(objects, exist_ok=True)
        env: dict[str, str] = {
            "GIT_INDEX_FILE": index,
            "GIT_OBJECT_DIRECTORY": objects,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f"{self.tree}/.git/objects:"
            f"{self.subject.place.vault}/objects:{self.subject.place.base}/objects",
        }
        self.git("read-tree", self.last, env=env)
        self.git(*options, "add", "-A", ".", env=env)
        return self.git("write-tree", env=env)


def make_desk(folder: Path, files: dict[str, bytes], driver: Driver | None = None) -> Desk:
    """Make a repository with one commit, its stores, a layer and a workspace."""
    model, start = _model(tuple(files.items()))
    for part in ("source", "project"):
        mold(model / part).write(folder / part)
    return _seated(folder, Stores(f"{folder}/project"), start, driver)


def make_source(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Make a repository with one commit."""
    source = folder / "source"
    source.mkdir()
    git(source, "init", "-q", "--template=", "-b", "main", ".")
    for name, data in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    git(source, "add", "-A", ".")
    git(source, "commit", "-q", "--allow-empty", "-m", "start")
    return source


def desk_on(folder: Path, source: Path, commit: str = "HEAD", driver: Driver | None = None) -> Desk:
    """Make the stores of a repository, and a workspace at one of its commits."""
    made, start = _stocked(folder, source, commit)
    return _seated(folder, made, start, driver)


@cache
def _model(files: tuple[tuple[str, bytes], ...]) -> tuple[Path, str]:
    """Make a repository and its stores once, for every desk that begins with these files."""
    folder = Path(tempfile.mkdtemp(prefix="carrel-desk-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made, start = _stocked(folder, make_source(folder, dict(files)), "HEAD")
    made.close()
    return folder, start


def _stocked(folder: Path, source: Path, commit: str) -> tuple[Stores, str]:
    """Make the stores of a repository, and the layer of one of its commits."""
    start = git(source, "rev-parse", commit).decode().strip()
    made = stores.create(f"{folder}/project", sources.parse(str(source)))
    layer = _layer(made, start)
    os.mkdir(layer)
    laid = made.base.with_(work_tree=layer, index=f"{folder}/layer-index")
    laid.run("read-tree", start)
    laid.run("checkout-index", "-a", "-f", f"--prefix={layer}/")
    return made, start


def _layer(made: Stores, start: str) -> str:
    return f"{made.home}/layers/{start}"


def _seated(folder: Path, made: Stores, start: str, driver: Driver | None) -> Desk:
    """Make a workspace at a commit that has a layer."""
    driver = driver or PlainDriver()
    lowers = (_layer(made, start),)
    place = Place("ws-1", f"{folder}/ws-1", made.home, driver.name, start, "carrel/ada")
    os.mkdir(place.home)
    form = "sha1" if made.width == 20 else "sha256"  # noqa: PLR2004 - bytes of SHA-1
    seed = Seed(
        (
            ("HEAD", b"ref: refs/heads/carrel/ada\n"),
            ("config", stores.config_text(form, bare=False).encode()),
            ("refs/heads/carrel/ada", f"{start}\n".encode()),
            ("objects/info/alternates", f"{place.base}/objects\n".encode()),
        )
    )
    driver.create(place, lowers, seed)
    git(place.tree, "reset", "-q")
    return Desk(Subject(made, place, driver, lowers), start, start)
