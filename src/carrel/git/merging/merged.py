"""Prove that work is in a target, however it got there: merged, squashed, rebased, copied."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from hashlib import sha256

from carrel.errors import BadInputError
from carrel.git.gateway import Git
from carrel.git.merging.mergetree import is_ancestor, merge_bases, merge_tree
from carrel.git.objects import Reader
from carrel.git.throwaway import throwaway_objects


class Proof(StrEnum):
    """Why nothing would be lost; each reads as a sentence's end."""

    ANCESTOR = "the target contains its commits"
    SAME = "merging it would change nothing"
    REBASED = "each of its commits has an equal one in the target"
    SQUASHED = "one commit of the target has all its changes"


def is_merged(git: Git, reader: Reader, head: str, start: str, target: str) -> Proof | None:
    """Return the proof that `target` has everything that `head` has, or None without one.

    Patches are compared to the byte, white space, modes and binary content included.

    Args:
        git: The store that has all three commits.
        reader: Reads objects of it.
        head: Full object id of the work's last commit.
        start: Full object id of the commit it started at.
        target: Full object id of the commit that should have it.
    """
    if head == start or is_ancestor(git, head, target):
        return Proof.ANCESTOR
    bases = merge_bases(git, target, head)
    if not bases:
        return None
    if _changes_nothing(git, reader, head, target):
        return Proof.SAME
    return _by_patches(git, head, target, bases) if len(bases) == 1 else None


def _changes_nothing(git: Git, reader: Reader, head: str, target: str) -> bool:
    with throwaway_objects(git) as scratch:
        try:
            outcome = merge_tree(scratch, target, head)
        except BadInputError:
            return False
    return outcome.clean and outcome.tree == reader.commit(target).tree


def _by_patches(git: Git, head: str, target: str, bases: Sequence[str]) -> Proof | None:
    whole = _patch(git.run("diff-tree", *_DIFF, "-p", bases[0], head).out)
    paths = git.run("diff-tree", "-r", "-z", "--no-renames", "--name-only", bases[0], head).out
    wanted = [path for path in paths.split(b"\0") if path]
    limit: list[bytes] = wanted if len(wanted) <= _FEW else []
    theirs = set(_patches(git, "--full-diff", target, f"^{head}", paths=limit))
    if whole and whole in theirs:
        return Proof.SQUASHED
    mine = _patches(git, head, f"^{target}")
    if _linear(git, head, target) and all(patch in theirs or not patch for patch in mine):
        return Proof.REBASED
    return None


_FEW = 200
_DIFF = (
    "-r",
    "--full-index",
    "--no-renames",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--diff-algorithm=myers",
    "--unified=3",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


def _linear(git: Git, head: str, target: str) -> bool:
    """Whether the work has no merge of its own, whose decisions no single patch would show."""
    return not git.run("rev-list", "--min-parents=2", "-n1", head, f"^{target}").out


def _patches(git: Git, *revisions: str, paths: Sequence[bytes] = ()) -> Iterator[str]:
    """Give the patch of every commit that is no merge; an empty commit has an empty one."""
    out = git.run("log", "-p", *_DIFF, "--no-merges", "--format=%x00", *revisions, "--", *paths).out
    # A line of a file's content starts with a sign, so only a header starts with NUL.
    for part in (b"\n" + out).split(b"\n\0")[1:]:
        yield _patch(part)


def _patch(text: bytes) -> str:
    """Return the fingerprint of a diff: everything but where in its file each change stands."""
    lines: list[bytes] = []
    for part in (b"\n" + text).split(b"\ndiff --git ")[1:]:
        header, hunk, body = part.partition(b"\n@@ ")
        binary = b"\nBinary files " in header
        lines += [line for line in header.split(b"\n") if binary or not line.startswith(b"index ")]
        for line in (b"@@ " + body).split(b"\n") if hunk else ():
            lines.append(b"@@" if line.startswith(b"@@ ") else line)
    return sha256(b"\n".join(line for line in lines if line)).hexdigest() if lines else ""
