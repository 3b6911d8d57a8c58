"""The user's own repository: where a branch is checked out, and whether it is in use there."""

import os
import re
from collections.abc import Mapping

from carrel.domain.records import dataclass
from carrel.errors import RefusedError
from carrel.git.gateway import OVERRIDES, Git, numbered
from carrel.git.nofollow import read_bounded
from carrel.git.storing.sources import Repository

_BUSY = {
    "index.lock": "another git command runs there, or was killed",
    "HEAD.lock": "another git command runs there, or was killed",
    "MERGE_HEAD": "a merge is in progress there",
    "CHERRY_PICK_HEAD": "a cherry-pick is in progress there",
    "REVERT_HEAD": "a revert is in progress there",
    "BISECT_LOG": "a bisect is in progress there",
    "rebase-merge": "a rebase is in progress there",
    "rebase-apply": "a rebase or 'git am' is in progress there",
    "sequencer": "a series of picks is in progress there",
}
# What a user's configuration may say about his files; nothing of it runs a program.
_ABOUT_FILES = frozenset(
    {
        "core.autocrlf",
        "core.checkstat",
        "core.eol",
        "core.filemode",
        "core.ignorecase",
        "core.precomposeunicode",
        "core.safecrlf",
        "core.symlinks",
        "core.trustctime",
        "index.version",
    }
)
_UNUSUAL = re.compile(rb"(?im)^\s*(?:worktree|bare\s*=\s*(?:true|yes|on|1)|bare\s*$)|include")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A work tree of the user in which a branch is checked out.

    Attributes:
        git_dir: Its own git directory (HEAD, index).
        work_tree: Its files.
    """

    git_dir: str
    work_tree: str


def showing(where: Repository, branch: str) -> list[Checkout]:
    """Return the work trees in which a branch is checked out.

    Raises:
        RefusedError: `target_in_use`: one is away, or is being rebased.
    """
    ref = f"refs/heads/{branch}"
    found: list[Checkout] = []
    if _head(where.common) == ref:
        tree = _main_tree(where)
        if tree is not None:
            found.append(Checkout(where.common, tree))
    _refuse_rebased(where.common, ref, _main_tree(where) or where.common)
    for git_dir in _linked(where.common):
        _refuse_rebased(git_dir, ref, _place(git_dir))
        if _head(git_dir) == ref:
            found += _linked_checkout(git_dir, branch)
    return found


def refuse_busy(checkout: Checkout, branch: str) -> None:
    """Refuse a work tree in which something is going on.

    Raises:
        RefusedError: `target_in_use`.
    """
    for name, why in _BUSY.items():
        if os.path.lexists(f"{checkout.git_dir}/{name}"):
            raise in_use(checkout.work_tree, branch, why)
    if any(name.startswith("sharedindex.") for name in os.listdir(checkout.git_dir)):
        raise in_use(
            checkout.work_tree,
            branch,
            "its index is split in two files",
            cure="Join it with 'git update-index --no-split-index', then merge again.",
        )


def in_use(work_tree: str, branch: str, why: str, *, cure: str = "") -> RefusedError:
    """Return the refusal to touch a work tree."""
    return RefusedError(
        "target_in_use",
        f"{branch} is checked out in {work_tree}, which is in use: {why}.",
        cure=cure or "Finish or abort it there (or check out another branch), then merge again.",
    )


def settings(where: Repository) -> Mapping[str, str]:
    """Return the variables that pass on what the user's repository says about its files."""
    git = Git(where.common, timeout=30.0)
    out = git.run("config", "--list", "-z", ok=(0, 1)).out
    told: dict[str, str] = {}
    for item in out.split(b"\0"):
        key, _, value = item.partition(b"\n")
        if os.fsdecode(key).lower() in _ABOUT_FILES:
            told[os.fsdecode(key).lower()] = os.fsdecode(value)
    return numbered([*OVERRIDES, *told.items()])


def _main_tree(where: Repository) -> str | None:
    usual = where.location if where.location != where.common else None
    if not _UNUSUAL.search(read_bounded(f"{where.common}/config") or b"include"):
        return usual
    git = Git(where.common, timeout=30.0)
    set_to = git.run("config", "--get", "core.worktree", ok=(0, 1))
    if set_to.code == 0:
        told = os.fsdecode(set_to.out.rstrip(b"\n"))
        return os.path.realpath(os.path.join(where.common, told))
    bare = git.run("config", "--type=bool", "--get", "core.bare", ok=(0, 1))
    return None if bare.out.strip() == b"true" else usual


def _linked(common: str) -> list[str]:
    try:
        names = sorted(os.listdir(f"{common}/worktrees"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [f"{common}/worktrees/{name}" for name in names]


def _linked_checkout(git_dir: str, branch: str) -> list[Checkout]:
    place = _place(git_dir)
    if place != git_dir and os.path.isdir(place):
        return [Checkout(git_dir, os.path.realpath(place))]
    if os.path.lexists(f"{git_dir}/locked"):
        raise in_use(place, branch, "its folder is away, perhaps on a disk that isn't mounted")
    return []  # deleted by hand; 'git worktree prune' would forget it


def _place(git_dir: str) -> str:
    """Return the folder of a linked work tree, or its git directory when that names none."""
    place = os.path.dirname(os.fsdecode((read_bounded(f"{git_dir}/gitdir") or b"").strip()))
    return place if os.path.isabs(place) else os.path.normpath(os.path.join(git_dir, place))


def _head(git_dir: str) -> str:
    words = read_bounded(f"{git_dir}/HEAD") or b""
    name = os.fsdecode(words.strip()).removeprefix("ref: ")
    if words and not name.endswith("/.invalid"):
        return name
    told = Git(git_dir, timeout=30.0).run("symbolic-ref", "-q", "HEAD", ok=(0, 1, 128))
    return os.fsdecode(told.out.strip())


def _refuse_rebased(git_dir: str, ref: str, work_tree: str) -> None:
    for folder in ("rebase-merge", "rebase-apply"):
        words = read_bounded(f"{git_dir}/{folder}/head-name")
        if words is not None and os.fsdecode(words.strip()) == ref:
            branch = ref.removeprefix("refs/heads/")
            raise in_use(work_tree, branch, "the branch is being rebased there")
