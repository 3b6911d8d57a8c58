"""The tree of a workspace's whole state: the layer's tree plus what differs from it.

Nothing is recorded by name here: objects go into the given pack writer, and the caller decides
whether a commit or a comparison comes of it.
"""

import os
from collections.abc import Callable, Iterable

from carrel.domain.delta import Folder
from carrel.domain.records import dataclass
from carrel.errors import RefusedError
from carrel.git.capturing.conversion import ATTRIBUTES_FILE, Attributes
from carrel.git.capturing.flatten import SPECIAL, Flat, flatten
from carrel.git.capturing.ignores import IGNORE_FILE, Ignores
from carrel.git.capturing.pruning import Pruner, Tracked, early_ignores, top_folder
from carrel.git.capturing.reading import Files, MovedError
from carrel.git.capturing.scratch import Scratch
from carrel.git.capturing.smudged import noted
from carrel.git.capturing.staged import staged_among
from carrel.git.capturing.subject import Subject
from carrel.git.capturing.view import View, joined, leaves
from carrel.git.forest import Forest
from carrel.git.nofollow import Below
from carrel.git.objects import PackWriter, Reader

_ATTEMPTS = 5
_LARGEST_EXCLUDE = 1_000_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A workspace's state as a tree.

    Attributes:
        tree: Object id; the object may still wait in the pack writer.
        skipped: What was left out or stored in another way than asked, with the reason.
        forest: Everything that was read to make it.
    """

    tree: str
    skipped: tuple[tuple[str, str], ...]
    forest: Forest


def snapshot(
    subject: Subject,
    writer: PackWriter,
    known: Iterable[str],
    max_file_bytes: int,
    *,
    leave_out: bool = False,
) -> Snapshot:
    """Read a workspace's whole state.

    Args:
        subject: The workspace.
        writer: Takes in the new objects; the caller flushes it.
        known: Trees of the agent's HEAD and of the last checkpoint; what they hold is never
            ignored.
        max_file_bytes: Largest file that is taken.
        leave_out: Instead of refusing, leave out what is larger or can't be read.

    Raises:
        RefusedError: `file_too_large`, `file_unreadable` or `workspace_in_motion`.
    """
    reader = subject.stores.vault_reader
    forest = Forest(reader, subject.stores.width, writer)
    roots = (*known, reader.commit(subject.place.layer).tree)
    tracked = Tracked(forest, tuple(dict.fromkeys(root for root in roots if root)))
    if tracked.layer != roots[-1]:
        tracked = Tracked(forest, (*tracked.roots, roots[-1]))
    culprit = b""
    for attempt in range(_ATTEMPTS):
        with Below(subject.home()) as below:
            try:
                return _Attempt(subject, writer, tracked, below).run(
                    max_file_bytes, last=attempt == _ATTEMPTS - 1, leave_out=leave_out
                )
            except MovedError as moved:
                culprit = moved.path
    raise RefusedError(
        "workspace_in_motion",
        f"{os.fsdecode(culprit)!r} changes faster than it can be read.",
        why=f"It was something else at each of {_ATTEMPTS} readings.",
        cure="Stop the program that writes there, or ignore the path, and try again.",
    )


class _Attempt:
    """One reading of a workspace."""

    def __init__(
        self, subject: Subject, writer: PackWriter, tracked: Tracked, below: Below
    ) -> None:
        self.subject = subject
        self.writer = writer
        self.tracked = tracked
        self.below = below
        self.reader: Reader = subject.stores.vault_reader
        self.exclude = _exclude(subject, below)

    def run(self, max_file_bytes: int, *, last: bool, leave_out: bool) -> Snapshot:
        flat, view = self._settled()
        attributes = Attributes(self._rules(view, ATTRIBUTES_FILE, self.subject.has_attributes))
        files = Files(
            self.writer, self.tracked, self.below, attributes, max_file_bytes, self._scratch
        )
        files.filters = frozenset(self.subject.filters.names)
        files.smudged = noted(self.subject.place.home) or {}
        files.take(flat.leaves, vanished_is_gone=last, leave_out=leave_out)
        flat.changes.update(files.entries)
        skipped = [*flat.skipped, *files.notes]
        tree = self.tracked.forest.edit(self.tracked.layer, flat.changes)
        ordered = sorted({(os.fsdecode(path), reason) for path, reason in skipped})
        return Snapshot(tree, tuple(ordered), self.tracked.forest)

    def _settled(self) -> tuple[Flat, View]:
        """Read the delta, again while a folder turns out to have been left out wrongly."""
        keep: frozenset[bytes] = frozenset()
        while True:
            pruner, view = self._read(keep)
            flat = flatten(view.root, self.tracked, pruner)
            missed = self._settle_ignored(flat, view, pruner)
            if not missed:
                return flat, view
            keep |= missed

    def _read(self, keep: frozenset[bytes]) -> tuple[Pruner, View]:
        subject = self.subject
        early = early_ignores(subject, self.tracked, self.reader, self.below, self.exclude)
        pruner = Pruner(self.tracked, early, self.below, top_folder(subject), keep)
        try:
            delta = subject.driver.delta(subject.place, subject.lowers, pruner)
        finally:
            early.close()
        view = View(delta, self.tracked.layer, self.tracked.forest, self.reader, self.below)
        folders = {path.rpartition(b"/")[0] for path in leaves(delta)}
        self.tracked.forest.load_paths(self.tracked.roots, folders)
        return pruner, view

    def _settle_ignored(self, flat: Flat, view: View, pruner: Pruner) -> set[bytes]:
        """Take ignored paths out of `flat`; return folders that must be read after all."""
        tracked = self.tracked
        moved = [
            path
            for folder, oid in flat.moved.items()
            for path, _ in tracked.forest.blobs(oid, folder)
            if path not in flat.leaves and path not in flat.changes
        ]
        new = [path for path in (*flat.leaves, *flat.special, *moved) if not tracked.file(path)]
        doubtful = [path for path, _ in flat.skipped if not tracked.file(path.rstrip(b"/"))]
        folders = [path + b"/" for path in pruner.ignored]
        rules = Ignores(
            self._scratch,
            self._rules(view, IGNORE_FILE, self.subject.has_ignores),
            self.exclude,
        )
        try:
            ignored = rules.many([*new, *doubtful, *folders])
        finally:
            rules.close()
        staged = staged_among(self.subject, self.below, ignored) if ignored else set[bytes]()
        for path in ignored - staged:
            flat.leaves.pop(path, None)
            if flat.moved:
                flat.changes[path] = None
        flat.skipped = [(path, why) for path, why in flat.skipped if path not in ignored]
        flat.skipped += [(path, SPECIAL) for path in flat.special if path not in ignored]
        wrongly = {path for path in pruner.ignored if path + b"/" not in ignored}
        holding = {
            path for path in pruner.ignored if any(one.startswith(path + b"/") for one in staged)
        }
        return wrongly | holding

    def _rules(
        self,
        view: View,
        name: bytes,
        in_layer: bool,  # noqa: FBT001 - one caller a kind
    ) -> Callable[[bytes], bytes | None]:
        """Return a function that reads the rule file of a folder, as cheaply as possible."""
        if in_layer or _named(view.root, name):
            return lambda folder: view.text(joined(folder, name))
        return lambda _folder: None

    def _scratch(self) -> Scratch:
        return Scratch(self.subject.home(), self.subject.filters.on(self.subject.stores.vault))


def _named(folder: Folder, name: bytes) -> bool:
    """Tell whether anything in a delta has a name."""
    return name in folder.children or any(
        _named(child, name) for child in folder.children.values() if isinstance(child, Folder)
    )


def _exclude(subject: Subject, below: Below) -> bytes:
    """Return the workspace's own `info/exclude`."""
    for folder in subject.git_dirs():
        if folder.startswith(below.root + b"/"):
            found = below.small(folder + b"/info/exclude", _LARGEST_EXCLUDE)
            if found is not None:
                return found
    return b""
