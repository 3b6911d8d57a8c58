"""Which folders a driver need not read: ignored ones, and repositories of their own.

The answers given here are only a saving. When the whole delta is known they are checked
again, and a folder that was left out wrongly is read after all.
"""

from dataclasses import field

from carrel.domain.records import dataclass
from carrel.git.capturing.ignores import IGNORE_FILE, Ignores
from carrel.git.capturing.scratch import Scratch
from carrel.git.capturing.subject import Subject
from carrel.git.capturing.view import blob, is_repository, joined
from carrel.git.forest import Forest
from carrel.git.nofollow import Below
from carrel.git.objects import SUBMODULE, TREE, Entry, Reader

GIT = b".git"
_LARGEST_RULES = 10_000_000


@dataclass(slots=True)
class Tracked:
    """What git knows already, in the order in which it counts.

    Attributes:
        forest: Reads the trees.
        roots: Trees of the agent's HEAD, the last checkpoint, the layer; the layer last.
    """

    forest: Forest
    roots: tuple[str, ...]

    @property
    def layer(self) -> str:
        """The layer's tree."""
        return self.roots[-1]

    def entry(self, path: bytes) -> Entry | None:
        """Return the first known entry at a path."""
        for root in self.roots:
            found = self.forest.entry(root, path)
            if found is not None:
                return found
        return None

    def file(self, path: bytes) -> bool:
        """Tell whether a file, link or submodule is known at a path."""
        return any(
            found is not None and found.mode != TREE
            for found in (self.forest.entry(root, path) for root in self.roots)
        )

    def folder(self, path: bytes) -> bool:
        """Tell whether anything is known below a path."""
        return any(self.forest.folder(root, path) for root in self.roots)

    def submodule(self, path: bytes) -> Entry | None:
        """Return the submodule at a path, if that is what stands there first."""
        found = self.entry(path)
        return found if found is not None and found.mode == SUBMODULE else None


@dataclass(slots=True)
class Pruner:
    """Asked by the driver about each folder that the layer does not have.

    Attributes:
        tracked: What is never left out.
        keep: Folders to read although they look ignored.
        ignored: Folders left out because they look ignored.
        repositories: Folders left out because they are repositories of their own.
        git_folders: Every `.git` that was left out.
    """

    tracked: Tracked
    ignores: Ignores
    below: Below
    top: bytes
    keep: frozenset[bytes] = frozenset()
    ignored: list[bytes] = field(default_factory=list[bytes])
    repositories: list[bytes] = field(default_factory=list[bytes])
    git_folders: list[bytes] = field(default_factory=list[bytes])

    def __call__(self, path: bytes) -> bool:
        """Tell whether a folder is left out unread."""
        if path.rpartition(b"/")[2] == GIT:
            self.git_folders.append(path)
            return True
        if self.tracked.folder(path) or self.tracked.submodule(path) is not None:
            return False
        if path in self.keep:
            return False
        if self.ignores.one(path + b"/"):
            self.ignored.append(path)
            return True
        if is_repository(self.below, self.top + b"/" + path + b"/" + GIT):
            self.repositories.append(path)
            return True
        return False


def early_ignores(
    subject: Subject, tracked: Tracked, reader: Reader, below: Below, exclude: bytes
) -> Ignores:
    """Return ignore rules as far as they are known before the delta is."""
    top = top_folder(subject)

    def rules(folder: bytes) -> bytes | None:
        path = joined(folder, IGNORE_FILE)
        try:
            present = below.stat(top + b"/" + path)
        except OSError:
            present = None
        if present is not None:
            return below.small(top + b"/" + path, _LARGEST_RULES)
        if not subject.has_ignores:
            return None
        return blob(reader, tracked.forest.entry(tracked.layer, path))

    return Ignores(lambda: Scratch(subject.home(), subject.stores.vault), rules, exclude)


def top_folder(subject: Subject) -> bytes:
    """Return the host folder that holds the topmost files of the tree."""
    return subject.git_dirs()[0].rpartition(b"/")[0]
