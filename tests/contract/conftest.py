"""A bench for drivers: a small project with a layer, and a way to work inside a tree."""

import ast
import contextlib
import inspect
import io
import os
import shutil
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from carrel.backends.local.ladder import load
from carrel.domain.delta import Folder, Gone, Leaf, LeafKind
from carrel.domain.workspaces import Place
from carrel.git.gateway import Git, closed_environment
from carrel.ports.driver import Driver, Probe, Seed
from carrel.testing.molds import mold

DRIVERS = ("overlay", "user_overlay", "fuse_overlay", "snapshot", "checkout")
Tree = dict[str, tuple[str, str]]
"""Path to kind (`file`, `program`, `link`) and content; bytes read as Latin-1."""

FILES = {
    "README": "hello\n",
    "run.sh": "#!/bin/sh\n",
    "deep/a/b/c/leaf": "leaf\n",
    "deep/a/other": "other\n",
    "many/one": "1\n",
    "many/two": "2\n",
    "many/more/three": "3\n",
    "twin/same": "same\n",
    "odd, name: \\ =/x y\n'\"": "odd\n",
}


def look(tree: str) -> dict[str, tuple[str, str]]:
    """Return what a tree shows; also run by occupants of trees that only they see."""
    found = {}
    for top, folders, files in os.walk(tree):
        if top == tree:
            folders[:] = [name for name in folders if name != ".git"]
        for name in files + [name for name in folders if os.path.islink(os.path.join(top, name))]:
            path = os.path.join(top, name)
            short = path[len(tree) + 1 :]
            if short == ".git":
                continue
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                found[short] = ("link", os.readlink(path))
            elif stat.S_ISREG(mode):
                with open(path, encoding="latin-1", newline="") as file:
                    found[short] = ("program" if mode & 0o100 else "file", file.read())
    return found


LOOK = f"import os, stat\n{inspect.getsource(look)}\nprint(look('.'))"


def git(*arguments: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=cwd, env=closed_environment({"GIT_ALLOW_PROTOCOL": "file"}),
        check=True, capture_output=True,
    )  # fmt: skip
    return done.stdout.decode().strip()


@dataclass(frozen=True)
class Project:
    """A repository of one commit, its bare copy, and a layer of it, to be copied for a test."""

    root: Path
    commit: str

    @classmethod
    def made(cls, root: Path) -> "Project":
        source = root / "source"
        git("init", "--quiet", "--template=", "--initial-branch=main", str(source))
        for name, content in FILES.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        (source / "run.sh").chmod(0o755)
        (source / "link").symlink_to("README")
        git("add", "--all", cwd=source)
        git("commit", "--quiet", "--message=first", cwd=source)
        bare = root / "project/base.git"
        git("clone", "--quiet", "--template=", "--bare", str(source), str(bare))
        git("repack", "-a", "-d", "--quiet", cwd=bare)  # a few files to copy instead of dozens
        made = cls(root, git("rev-parse", "HEAD", cwd=source))
        layer = root / "project/layers/first"
        write(layer / ".git", made.git_files(root))
        on_layer = Git(git_dir=f"{layer}/.git", work_tree=str(layer))
        on_layer.run("read-tree", "-u", "--reset", made.commit)
        past = time.time() - 5  # no file may share the index's second
        for path in layer.rglob("*"):
            os.utime(path, (past, past), follow_symlinks=False)
        (layer / ".git/carrel-layer").write_text(made.commit + "\n")
        return made

    def git_files(self, root: Path) -> dict[str, bytes]:
        return {
            "HEAD": b"ref: refs/heads/main\n",
            "config": b"[core]\n\trepositoryformatversion = 0\n\tbare = false\n",
            "objects/info/alternates": f"{root}/project/base.git/objects\n".encode(),
            "refs/heads/main": f"{self.commit}\n".encode(),
        }

    def copy(self, root: Path, *, layered: bool) -> list[str]:
        """Copy it to where tests are; return the layers."""
        mold(self.root / "project/base.git").write(root / "project/base.git")
        if not layered:
            return []
        layer = root / "project/layers/first"
        mold(self.root / "project/layers/first").write(layer)
        write(layer / ".git", self.git_files(root))
        on_layer = Git(git_dir=f"{layer}/.git", work_tree=str(layer))
        on_layer.run("update-index", "-q", "--refresh")
        return [str(layer)]


def write(folder: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


class Ground:
    """A copy of the project, which all tests of a driver stand on and none may change."""

    def __init__(self, root: Path, project: Project, *, layered: bool) -> None:
        self.root = root
        self.lowers = project.copy(root, layered=layered)
        self._seen = self._look()

    def check(self) -> None:
        """Nobody wrote to a layer, nor to the store below it."""
        assert self._look() == self._seen

    def _look(self) -> list[tuple[str, int, int, int, int]]:
        found = []
        for top, folders, files in os.walk(self.root):
            for name in folders + files:
                path = os.path.join(top, name)
                seen = os.lstat(path)
                # Git touches the time of a pack whose objects somebody made again.
                changed = 0 if name.endswith(".pack") else seen.st_ctime_ns
                found.append((path, seen.st_mode, seen.st_ino, seen.st_size, changed))
        return found


@dataclass
class Bench:
    """A project with one commit, a layer of it, and workspaces by one driver."""

    driver: Driver
    root: Path
    project: Project
    shared: Ground
    ground: Path = field(init=False)
    commit: str = field(init=False)
    lowers: list[str] = field(init=False)
    made: list[Place] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.commit = self.project.commit
        self.ground, self.lowers = self.shared.root, list(self.shared.lowers)

    def own_ground(self) -> None:
        """Stand on a project of its own: for a test that changes it."""
        self.ground = self.root
        self.lowers = self.project.copy(self.root, layered=self.driver.capabilities.layered)

    def place(self, name: str = "one") -> Place:
        home = self.root / "workspaces" / name
        return Place(
            f"ws-{name}", str(home), f"{self.ground}/project", self.driver.name, self.commit,
            f"carrel/{name}",
        )  # fmt: skip

    def seed(self, place: Place) -> Seed:
        own = {
            "HEAD": f"ref: refs/heads/{place.branch}\n".encode(),
            f"refs/heads/{place.branch}": f"{self.commit}\n".encode(),
        }
        whole = {} if self.driver.capabilities.layered else self.project.git_files(self.ground)
        return Seed(tuple({**whole, **own}.items()))

    def create(self, name: str = "one") -> Place:
        place = self.place(name)
        Path(place.home).mkdir(parents=True, exist_ok=True)
        self.made.append(place)
        self.driver.create(place, self.lowers, self.seed(place))
        self.driver.present(place, self.lowers)
        return place

    def run(self, place: Place, *command: str) -> str:
        """Run a command as the occupant, inside the tree."""
        done = subprocess.run(
            self.driver.enter(place, command),
            cwd=place.tree, env=closed_environment({"GIT_OPTIONAL_LOCKS": "1"}),
            check=False, capture_output=True, timeout=30,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def python(self, place: Place, code: str) -> str:
        """Change the tree: from here where it is visible, else as a process that enters it."""
        if self.driver.capabilities.host_path:
            with (
                contextlib.chdir(place.tree),
                contextlib.redirect_stdout(io.StringIO()) as said,
                warnings.catch_warnings(action="ignore", category=ResourceWarning),
            ):
                exec(code, {"os": os, "shutil": shutil})
            return said.getvalue()
        needed = "import os, shutil\n" if "shutil" in code else "import os\n"
        return self.run(place, sys.executable, "-I", "-S", "-c", needed + code)

    def visible(self, place: Place) -> Tree:
        if self.driver.capabilities.host_path:
            return look(place.tree)
        told: Tree = ast.literal_eval(self.run(place, sys.executable, "-I", "-S", "-c", LOOK))
        return told

    def delta(self, place: Place, prune: Callable[[bytes], bool] = lambda _: False) -> Folder:
        return self.driver.delta(place, self.lowers, prune)

    def start(self) -> Tree:
        files = {name: ("file", content) for name, content in FILES.items()}
        return {**files, "run.sh": ("program", FILES["run.sh"]), "link": ("link", "README")}

    def told(
        self,
        place: Place,
        prune: Callable[[bytes], bool] = lambda _: False,
        start: Tree | None = None,
    ) -> Tree:
        """Apply the delta to the start; it must equal what is visible."""
        return applied(self.delta(place, prune), start or self.start())

    def second_commit(self) -> None:
        """Commit some changes and put a thin layer that has only these on the first one."""
        self.own_ground()
        source, thin = self.root / "source", self.root / "project/layers/thin"
        shutil.copytree(self.project.root / "source", source, symlinks=True)
        shutil.rmtree(source / "twin")
        shutil.rmtree(source / "deep/a")
        (source / "many/one").unlink()
        (source / "many/four").write_text("4\n")
        (source / "deep/a/b").mkdir(parents=True)
        (source / "deep/a/b/new").write_text("new\n")
        git("add", "--all", cwd=source)
        git("commit", "--quiet", "--message=second", cwd=source)
        git("push", "--quiet", f"{self.root}/project/base.git", "HEAD:main", cwd=source)
        self.commit = git("rev-parse", "HEAD", cwd=source)
        (thin / ".git/refs/heads").mkdir(parents=True)
        (thin / ".git/carrel-layer").write_text(self.commit + "\n")
        (thin / "many").mkdir()
        (thin / "many/four").write_text("4\n")
        (thin / "deep/a/b").mkdir(parents=True)
        (thin / "deep/a/b/new").write_text("new\n")
        ordinary = self.driver.name == "user_overlay" or os.geteuid() != 0
        prefix = "user" if ordinary else "trusted"
        os.setxattr(thin / "deep/a", f"{prefix}.overlay.opaque", b"y")
        for gone in ("many/one", "twin"):
            os.mknod(thin / gone, 0o600 | stat.S_IFCHR, 0)
        Git(
            git_dir=f"{self.lowers[0]}/.git",
            work_tree=str(source),
            index=f"{thin}/.git/index",
        ).run("read-tree", self.commit)
        self.lowers.insert(0, str(thin))

    def close(self) -> None:
        for place in self.made:
            self.driver.withdraw(place)
        self.shared.check()


def applied(folder: Folder, start: Tree) -> Tree:
    result: Tree = {}
    if folder.base is not None:
        base = os.fsdecode(folder.base)
        prefix = base + "/" if base else ""
        result = {
            path[len(prefix) :]: entry for path, entry in start.items() if path.startswith(prefix)
        }
    for raw, node in folder.children.items():
        name = os.fsdecode(raw)
        result = {
            path: entry
            for path, entry in result.items()
            if path != name and not path.startswith(f"{name}/")
        }
        if isinstance(node, Folder):
            below = applied(node, start)
            result |= {f"{name}/{path}": entry for path, entry in below.items()}
        elif isinstance(node, Leaf) and node.kind is not LeafKind.OTHER:
            result[name] = _read(node)
        else:
            assert isinstance(node, Gone | Leaf)
    return result


def _read(node: Leaf) -> tuple[str, str]:
    if node.kind is LeafKind.LINK:
        return "link", os.fsdecode(os.readlink(node.source))
    content = Path(os.fsdecode(node.source)).read_bytes()
    assert len(content) == node.size
    return "program" if node.executable else "file", content.decode("latin-1")


@pytest.fixture(scope="session")
def btrfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small btrfs file system in a file."""
    if os.geteuid() != 0 or not shutil.which("mkfs.btrfs"):
        pytest.skip("needs root and mkfs.btrfs (package btrfs-progs)")
    folder = tmp_path_factory.mktemp("btrfs")
    image, point = folder / "image", folder / "point"
    image.touch()
    os.truncate(image, 512 << 20)
    point.mkdir()
    subprocess.run(["mkfs.btrfs", "--quiet", str(image)], check=True, capture_output=True)
    mounted = subprocess.run(
        ["mount", "-o", "loop", image, point], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"needs a loop device and btrfs in the kernel: {mounted.stderr.strip()}")
    yield point
    subprocess.run(["umount", "--lazy", point], check=True)


def where_for(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if name != "snapshot":
        return tmp_path
    where: Path = request.getfixturevalue("btrfs")
    folder = where / tmp_path.name
    folder.mkdir()
    return folder


@cache
def probed(name: str, where: Path) -> Probe:
    return load(name).probe(str(where))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.made(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def ground(project: Project) -> Callable[[Driver, Path], Ground]:
    """Give each driver the ground beside which its tests are; it is made for the first of them."""

    @cache
    def made(driver: Driver, beside: Path) -> Ground:
        root = beside / f"ground-{driver.name}"
        root.mkdir()
        return Ground(root, project, layered=driver.capabilities.layered)

    return made


@pytest.fixture(
    params=[
        name if name == "checkout" else pytest.param(name, marks=pytest.mark.real)
        for name in DRIVERS
    ]
)
def bench(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    project: Project,
    ground: Callable[[Driver, Path], Ground],
) -> Iterator[Bench]:
    where = where_for(request.param, request, tmp_path)
    probe = probed(request.param, where.parent)
    if not probe.works:
        pytest.skip(f"{request.param}: {probe.why} {probe.cure}")
    driver = load(request.param)
    made = Bench(driver, where, project, ground(driver, where.parent))
    yield made
    made.close()
