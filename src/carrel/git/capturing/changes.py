"""What differs between a commit and a workspace's present state, committed or not."""

import os
from collections.abc import Iterator
from dataclasses import field

from carrel.domain.records import dataclass
from carrel.domain.results import WorkspaceChanges
from carrel.errors import NotFoundError
from carrel.git.capturing.snapshot import snapshot
from carrel.git.capturing.subject import Subject
from carrel.git.gateway import Git
from carrel.git.objects import PackWriter
from carrel.git.throwaway import objects_folder, throwaway_objects

_COMPARE = ("diff-tree", "-r", "-z", "-M", "-C", "--no-ext-diff", "--no-textconv", "--no-color")
_TYPE = 0o170000
_FIGURES = (
    "insertions", "deletions", "created", "modified", "deleted", "renamed", "copied",
    "type_changed", "mode_changed", "binary",
)  # fmt: skip


def changes(
    tree: Subject, *, since: str, last: str, max_file_bytes: int, diff: bool = False
) -> WorkspaceChanges:
    """Compare a workspace's present state with a commit.

    The state is read like a checkpoint's; nothing of it stays in the vault.

    Args:
        tree: The workspace.
        since: A commit of the vault, or a name of one.
        last: Its last checkpoint; what that holds is never ignored.
        max_file_bytes: Largest file that is taken.
        diff: Whether to give the unified diff too.

    Raises:
        NotFoundError: `unknown_revision`.
        RefusedError: As for a checkpoint.
    """
    stores = tree.stores
    found = stores.vault_reader.info(f"{since}^{{commit}}")
    if found is None:
        raise NotFoundError(
            "unknown_revision",
            f"{since!r} names no commit of {tree.place.workspace_id}.",
            cure="Give a full commit id, a checkpoint or a branch of the project.",
        )
    before = stores.vault_reader.commit(found.oid).tree
    known = (stores.vault_reader.commit(last).tree,)
    with throwaway_objects(stores.vault) as elsewhere:
        writer = PackWriter(objects_folder(elsewhere), stores.width)
        now = snapshot(tree, writer, known, max_file_bytes)
        writer.flush()
        return compare(elsewhere, before, now.tree, since=found.oid, diff=diff)


def compare(
    vault: Git, before: str, after: str, *, since: str, diff: bool = False
) -> WorkspaceChanges:
    """Compare two trees.

    Args:
        vault: Where both are.
        before: Object id.
        after: Object id.
        since: Commit that `before` belongs to.
        diff: Whether to give the unified diff too.
    """
    raw = vault.run(*_COMPARE, "--raw", "--numstat", "--no-abbrev", before, after).out
    tally = _Tally()
    fields = iter(raw.split(b"\0")[:-1])
    for one in fields:
        if one.startswith(b":"):
            tally.entry(one, fields)
        else:
            tally.lines(one, fields)
    text = None
    if diff:
        patch = vault.run(*_COMPARE, "--patch", "--submodule=short", before, after).out
        text = patch.decode("utf-8", "surrogateescape")
    return tally.result(since, text)


@dataclass(slots=True)
class _Tally:
    """Counts what `diff-tree` says, one record at a time."""

    created: list[bytes] = field(default_factory=list[bytes])
    modified: list[bytes] = field(default_factory=list[bytes])
    deleted: list[bytes] = field(default_factory=list[bytes])
    renamed: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    copied: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    type_changed: list[bytes] = field(default_factory=list[bytes])
    mode_changed: list[bytes] = field(default_factory=list[bytes])
    insertions: int = 0
    deletions: int = 0
    binary: int = 0

    def entry(self, record: bytes, fields: Iterator[bytes]) -> None:
        """Take `:mode mode id id status`, followed by one path or two."""
        old, new, _, _, status = record[1:].split(b" ")
        path = next(fields)
        modes = int(old, 8), int(new, 8)
        if status[:1] in b"RC":
            pair = (path, next(fields))
            (self.renamed if status[:1] == b"R" else self.copied).append(pair)
            self._modes(pair[1], modes)
        elif status == b"A":
            self.created.append(path)
        elif status == b"D":
            self.deleted.append(path)
        else:
            self.modified.append(path)
            self._modes(path, modes)

    def lines(self, record: bytes, fields: Iterator[bytes]) -> None:
        """Take `added TAB deleted TAB path`; for a rename the paths follow."""
        added, removed, path = record.split(b"\t", 2)
        if not path:
            next(fields)
            next(fields)
        if added == b"-":
            self.binary += 1
        else:
            self.insertions += int(added)
            self.deletions += int(removed)

    def _modes(self, path: bytes, modes: tuple[int, int]) -> None:
        if modes[0] & _TYPE != modes[1] & _TYPE:
            self.type_changed.append(path)
        elif modes[0] != modes[1]:
            self.mode_changed.append(path)

    def result(self, since: str, diff: str | None) -> WorkspaceChanges:
        """Return everything as the public answer."""
        groups = (self.created, self.modified, self.deleted, self.renamed, self.copied)
        figures = (
            self.insertions, self.deletions, *(len(group) for group in groups),
            len(self.type_changed), len(self.mode_changed), self.binary,
        )  # fmt: skip
        return WorkspaceChanges(
            files_created=_text(self.created),
            files_modified=_text(self.modified),
            files_deleted=_text(self.deleted),
            total_changes=sum(len(group) for group in groups),
            stats=dict(zip(_FIGURES, figures, strict=True)),
            detailed_diff=diff,
            files_renamed=_pairs(self.renamed),
            files_copied=_pairs(self.copied),
            files_type_changed=_text(self.type_changed),
            files_mode_changed=_text(self.mode_changed),
            since_commit=since,
        )


def _text(paths: list[bytes]) -> list[str]:
    return [os.fsdecode(path) for path in sorted(paths)]


def _pairs(pairs: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(os.fsdecode(old), os.fsdecode(new)) for old, new in sorted(pairs)]
