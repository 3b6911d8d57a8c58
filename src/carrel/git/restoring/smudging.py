"""Writing a new workspace's files as the owner's filters would: contents instead of pointers.

A layer holds a commit's files as git stores them, whatever programs a machine has. What a
filter writes belongs to the workspace, and its index is told, so that `git status` there is
clean from the start.
"""

import errno
import os
import shutil
from collections.abc import Mapping, Sequence

from carrel.errors import BadInputError, FailedError
from carrel.git.capturing.scratch import Scratch
from carrel.git.capturing.smudged import Smudged, note, signature
from carrel.git.capturing.subject import Subject
from carrel.git.filters import Filters
from carrel.git.gateway import Git
from carrel.git.objects import EXECUTABLE, FILE
from carrel.git.storing import index
from carrel.system import faults

_PAST = 10
_TIMEOUT = 3600.0
_SHOWN = 3


def smudge(subject: Subject, tree: str) -> int:
    """Write the files that an allowed filter is about, and return how many there are.

    Call it before anybody has been told where the workspace is.

    Args:
        subject: The new workspace.
        tree: Folder that its files are written to.

    Raises:
        BadInputError: `filter_undefined`: the owner allowed a filter that he doesn't have.
        FailedError: `filter_failed`.
    """
    filters = subject.filters
    if not (filters.names or filters.undefined) or not subject.has_attributes:
        return 0
    with Scratch(subject.home(), filters.on(subject.stores.vault)) as scratch:
        scratch.git.run("read-tree", subject.place.layer)
        wanted = _wanted(scratch.git, filters)
        if wanted:
            _write(scratch.git, wanted)
            faults.point("smudge.written")
            for path in wanted:
                _place(os.fsencode(scratch.path) + b"/tree/" + path, os.fsencode(tree), path)
    _tell_index(subject, tree, wanted)
    top = os.path.dirname(subject.git_dirs()[0])
    files = {
        path: Smudged(oid, signature(os.lstat(top + b"/" + path))) for path, oid in wanted.items()
    }
    note(subject.place.home, files)
    return len(files)


def _wanted(git: Git, filters: Filters) -> dict[bytes, str]:
    """Return the files that an allowed filter is about: path to object id, in git's order."""
    oids: dict[bytes, str] = {}
    for line in git.run("ls-files", "--stage", "-z").out.split(b"\0")[:-1]:
        facts, _, path = line.partition(b"\t")
        mode, oid, _ = facts.split(b" ")
        if int(mode, 8) in {FILE, EXECUTABLE}:
            oids[path] = oid.decode()
    feed = b"".join(path + b"\0" for path in oids)
    told = git.run("check-attr", "--cached", "-z", "--stdin", "filter", stdin=feed).out.split(b"\0")
    found = {
        path: os.fsdecode(name)
        for path, name in zip(told[0::3], told[2::3], strict=False)
        if path in oids
    }
    undefined = sorted({name for name in found.values() if name in filters.undefined})
    if undefined:
        raise BadInputError(
            "filter_undefined",
            f"The filter {undefined[0]!r} is allowed by git.allow_filters, but is not defined.",
            why="Your own git configuration has no command for it; others don't count.",
            cure="Define it there (for Git LFS: 'git lfs install'), or make the workspace with "
            "--skip-smudge.",
        )
    return {path: oids[path] for path, name in found.items() if name in filters.names}


def _write(git: Git, wanted: Mapping[bytes, str]) -> None:
    feed = b"".join(path + b"\0" for path in wanted)
    try:
        git.with_(timeout=_TIMEOUT).run("checkout-index", "--force", "-z", "--stdin", stdin=feed)
    except FailedError as error:
        named = ", ".join(repr(os.fsdecode(path)) for path in list(wanted)[:_SHOWN])
        raise FailedError(
            "filter_failed",
            f"A filter could not write its files ({named}{' …' * (len(wanted) > _SHOWN)}).",
            why=error.why,
            cure="Repair it in your own git configuration, or make the workspace with "
            "--skip-smudge.",
        ) from error


def _place(source: bytes, tree: bytes, path: bytes) -> None:
    """Put a file in its place, older than any index that will be written about it."""
    before = os.lstat(source).st_mtime_ns - _PAST * 10**9
    os.utime(source, ns=(before, before))
    target = tree + b"/" + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = target + b".carrel-new"
        shutil.copy2(source, beside, follow_symlinks=False)
        os.rename(beside, target)


def _tell_index(subject: Subject, tree: str, wanted: Mapping[bytes, str]) -> None:
    """Let git in the workspace, and the driver that compares by an index, know the files."""
    if not wanted:
        return
    files = [
        (oid, path, os.lstat(os.fsencode(tree) + b"/" + path))
        for path, oid in sorted(wanted.items())
    ]
    own = f"{tree}/.git/index"
    if not os.path.lexists(own):  # it shows the layer's, which nobody may write
        shutil.copyfile(_first([f"{os.fsdecode(one)}/index" for one in subject.git_dirs()]), own)
    for known in (own, f"{subject.place.home}/index"):
        if os.path.exists(known):
            index.stamp(known, tree, subject.stores.width, files)


def _first(paths: Sequence[str]) -> str:
    return next(path for path in paths if os.path.exists(path))
