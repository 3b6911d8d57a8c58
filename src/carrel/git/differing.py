"""Which paths differ between commits: by git, tree against tree, without renames."""

import os
from collections.abc import Sequence

from carrel.domain.records import dataclass
from carrel.git.gateway import Git
from carrel.git.objects import Entry


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs; None stands for its absence."""

    path: bytes
    old: Entry | None
    new: Entry | None


def differing(git: Git, new: str, olds: Sequence[str]) -> list[list[Change]]:
    """Return what differs in `new` from each of `olds`, all by one process.

    Args:
        git: A store that has them.
        new: A commit.
        olds: Commits.
    """
    if not olds:
        return []
    names = [f"{oid}^{{tree}}\n" for oid in (new, *olds)]
    told = git.run("cat-file", "--batch-check=%(objectname)", stdin="".join(names).encode())
    trees = told.out.decode().split()
    feed = "".join(f"{old} {trees[0]}\n" for old in trees[1:]).encode()
    out = git.run(
        "diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", stdin=feed
    ).out
    return _parse(out, [f"{old} {trees[0]}\n".encode() for old in trees[1:]])


def _parse(out: bytes, heads: Sequence[bytes]) -> list[list[Change]]:
    found: list[list[Change]] = []
    at = 0
    for head in heads:
        if not out.startswith(head, at):
            found.append([])  # equal trees are passed over in silence
            continue
        at += len(head)
        changes: list[Change] = []
        while out.startswith(b":", at):
            middle = out.index(b"\0", at)
            end = out.index(b"\0", middle + 1)
            changes.append(_change(out[at + 1 : middle], out[middle + 1 : end]))
            at = end + 1
        found.append(changes)
    return found


def _change(told: bytes, path: bytes) -> Change:
    old_mode, new_mode, old, new, _ = told.decode().split(" ")
    return Change(path, _entry(old_mode, old), _entry(new_mode, new))


def _entry(mode: str, oid: str) -> Entry | None:
    number = int(mode, 8)
    return Entry(number, oid) if number else None


def text(path: bytes) -> str:
    """Return a path as text for a person or the database."""
    return os.fsdecode(path)
