"""A project on a real repository: somebody's clone, and the stores made from it; a desk in one."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carrel.domain.projects import Project, SourceKind
from carrel.git.landing import landing
from carrel.git.objects import FILE, Entry, PackWriter
from carrel.git.storing import sources, stores, upstream
from carrel.git.storing.stores import Stores
from carrel.git.trees import edit_tree
from carrel.testing.desk import Desk, make_desk
from carrel.testing.molds import mold

FILES = {
    "README": b"hello\n",
    "src/main.py": b"print(1)\n",
    "src/deep/er/file.txt": b"deep\n",
    "docs/a.md": b"a\n",
    "docs/b.md": b"b\n",
}
WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSON = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


@dataclass
class Clone:
    """A person's repository, used as a person does: with its own configuration and hooks."""

    path: Path

    def git(self, *arguments: str, stdin: str = "", check: bool = True, **env: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            input=stdin,
            env={**PERSON, **env},
            capture_output=True,
            check=check,
            timeout=60,
            text=True,
            errors="surrogateescape",
        )
        return done.stdout.rstrip("\n")

    def write(self, name: str, data: str | bytes = "") -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def commit(self, message: str = "more", **files: str) -> str:
        """Commit all that is there, and these files (`a__b` stands for `a/b`)."""
        for name, data in files.items():
            self.write(name.replace("__", "/").replace("_", "."), data)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def status(self) -> str:
        return self.git("status", "--porcelain")

    def tip(self, ref: str) -> str:
        return self.git("rev-parse", "--verify", "-q", ref, check=False)


def new_clone(path: Path, *options: str) -> Clone:
    path.mkdir(parents=True)
    clone = Clone(path)
    clone.git("init", "-q", "--template=", "-b", "main", *options)
    return clone


@dataclass
class Bench:
    """A clone and the project made from it."""

    clone: Clone
    stores: Stores
    project: Project
    extra: list[Stores] = field(default_factory=list)

    def merge(
        self, tip: str, files: dict[bytes, bytes | None], parents: tuple[str, ...] = ()
    ) -> str:
        """Make a commit in the vault on top of `tip`."""
        upstream.resolve(self.stores, self.project, tip)  # brings it
        writer = PackWriter(f"{self.stores.vault.git_dir}/objects", self.stores.width)
        changes = {
            path: None if data is None else Entry(FILE, writer.blob(data))
            for path, data in files.items()
        }
        reader = self.stores.vault_reader
        tree = edit_tree(reader, writer, reader.commit(tip).tree, changes)
        writer.flush()
        return landing.commit(
            self.stores,
            tree=tree,
            parents=(tip, *parents),
            message="Merge\n",
            when=WHEN,
            identity=("Ada", "ada@example.org"),
        )


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with one commit and the stores made from it: to be copied, never to be changed."""
    folder = tmp_path_factory.mktemp("first")
    made = new_clone(folder / "clone")
    made.commit("first", a_txt="one\n", b_txt="two\n", dir__c_txt="three\n")
    stores.create(str(folder / "p-0"), sources.parse(str(made.path))).close()
    return folder


@pytest.fixture
def clone(tmp_path: Path, first: Path) -> Clone:
    mold(first / "clone").write(tmp_path / "clone")
    made = Clone(tmp_path / "clone")
    made.git("update-index", "-q", "--refresh")
    return made


@pytest.fixture
def make_clone(tmp_path: Path) -> Callable[..., Clone]:
    return lambda name, *options: new_clone(tmp_path / name, *options)


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator["MakeBench"]:
    maker = MakeBench(tmp_path)
    yield maker
    for made in maker.made:
        made.close()


@dataclass
class MakeBench:
    """Registers repositories as projects."""

    root: Path
    made: list[Stores] = field(default_factory=list[Stores])

    def __call__(self, clone: Clone, source: str = "", **more: str) -> Bench:
        wanted = sources.parse(source or str(clone.path))
        home = str(self.root / "home" / f"p-{len(self.made)}")
        opened = stores.create(home, wanted, **more)
        self.made.append(opened)
        project = Project(
            "p-1", "demo", wanted.kind, wanted.location, home, opened.default_branch, WHEN
        )
        return Bench(clone, opened, project)


@pytest.fixture
def bench(tmp_path: Path, first: Path, clone: Clone, make_bench: MakeBench) -> Bench:
    mold(first / "p-0").write(tmp_path / "home/p-0")
    return make_bench(clone)  # finds its stores made


@pytest.fixture
def url_bench(clone: Clone, make_bench: MakeBench) -> Bench:
    clone.git("config", "receive.denyCurrentBranch", "ignore")
    made = make_bench(clone, f"file://{clone.path}")
    assert made.project.kind is SourceKind.URL
    return made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """One workspace, started at a small commit."""
    made = make_desk(tmp_path, FILES)
    yield made
    made.stores.close()
