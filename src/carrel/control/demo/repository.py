"""The repository of the demonstration: Carrel's own, copied; or a sample of its files."""

import shutil
from pathlib import Path

from carrel.domain.records import dataclass
from carrel.errors import CarrelError
from carrel.git.gateway import Git
from carrel.git.storing.sources import Repository, discover

PACKAGE = Path(__file__).parents[2]
CHECKOUT = PACKAGE.parents[1]
BRANCH = "main"
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


@dataclass(frozen=True, slots=True)
class Staged:
    """A bare repository in which the demonstration's merges land.

    Attributes:
        path: Where it is.
        commit: The commit that everybody starts at.
        files: Number of files in that commit.
        own: It is a copy of Carrel's own repository, not a sample.
    """

    path: str
    commit: str
    files: int
    own: bool


def stage(folder: Path) -> Staged:
    """Make the repository in a folder; Carrel's own checkout is only read.

    Args:
        folder: An empty folder.
    """
    bare = folder / "carrel.git"
    git = Git(str(bare))
    git.run("init", "--bare", "--quiet", f"--initial-branch={BRANCH}")
    commit = _copied(git)
    own = commit is not None
    if commit is None:
        commit = _sampled(git, folder)
    git.run("update-ref", f"refs/heads/{BRANCH}", commit)
    files = git.run("ls-tree", "-r", "-z", "--name-only", commit).out.count(b"\0")
    return Staged(str(bare), commit, files, own)


def _copied(git: Git) -> str | None:
    """Copy the history of Carrel's own repository, if this program runs from one."""
    try:
        own = _own()
        if own is None:
            return None
        source = Git(own.common)
        head = source.text("rev-parse", "--verify", "HEAD^{commit}")
        shallow = source.text("rev-parse", "--is-shallow-repository") == "true"
        wanted = f"{head}^{{tree}}" if shallow else head
        pack = source.run("pack-objects", "--revs", "--stdout", "-q", stdin=f"{wanted}\n".encode())
        git.run("index-pack", "--stdin", stdin=pack.out)
        if not shallow:
            return head
        return git.text("commit-tree", source.text("rev-parse", wanted), "-m", "As it is today")
    except CarrelError:  # damaged, partial, without a commit: the sample does as well
        return None


def _own() -> Repository | None:
    if not (CHECKOUT / "pyproject.toml").exists() or not (CHECKOUT / ".git").exists():
        return None
    return discover(str(CHECKOUT))


def _sampled(git: Git, folder: Path) -> str:
    """Commit the files of the installed package, as they are in its repository."""
    tree = folder / "sample"
    shutil.copytree(PACKAGE, tree / "src" / "carrel", ignore=_IGNORED)
    (tree / "README.md").write_text("# Carrel\n\nA sample: the files of the package.\n")
    (tree / "CHANGELOG.md").write_text("# Changelog\n\n")
    staging = git.with_(work_tree=str(tree), index=str(folder / "sample.index"))
    staging.run("add", "--all", ".")
    written = staging.text("write-tree")
    shutil.rmtree(tree)
    return git.text("commit-tree", written, "-m", "The files of the package")
