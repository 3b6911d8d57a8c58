"""What the occupant's own index holds, read from a copy of it."""

from collections.abc import Iterable

from carrel.errors import FailedError
from carrel.git.capturing.scratch import Scratch
from carrel.git.capturing.subject import Subject
from carrel.git.nofollow import Below

_LARGEST_INDEX = 1 << 30
_LONGEST_COMMAND = 100_000


def staged_among(subject: Subject, below: Below, paths: Iterable[bytes]) -> set[bytes]:
    """Return the paths in the index that are, or lie below, one of some paths.

    An index that is missing, broken, special or a link holds nothing.

    Args:
        subject: The workspace.
        below: Opens its files.
        paths: Files, and folders with a final slash.
    """
    index = below.small(subject.git_dirs()[0] + b"/index", _LARGEST_INDEX)
    if index is None:
        return set()
    wanted = list(paths)
    found: set[bytes] = set()
    with Scratch(subject.home(), subject.stores.vault) as scratch:
        with open(f"{scratch.path}/index", "wb") as file:
            file.write(index)
        for some in _portions(wanted):
            try:
                done = scratch.git.run("ls-files", "-z", "--cached", "--", *some)
            except FailedError:  # no index of git's; the files themselves are safe anyway
                return found
            found.update(done.out.split(b"\0")[:-1])
    return found


def _portions(paths: list[bytes]) -> Iterable[list[bytes]]:
    some: list[bytes] = []
    size = 0
    for path in paths:
        if some and size + len(path) > _LONGEST_COMMAND:
            yield some
            some, size = [], 0
        some.append(path)
        size += len(path) + 1
    if some:
        yield some
