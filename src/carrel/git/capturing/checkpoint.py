"""A checkpoint: a commit of a workspace's whole state, beside whatever the occupant does.

The occupant's index, HEAD, hooks, signing, identity and configuration are neither used nor
touched. References move by compare-and-swap only.
"""

from datetime import datetime

from carrel.domain.records import dataclass
from carrel.errors import RefusedError
from carrel.git.ancestry import is_ancestor
from carrel.git.capturing.snapshot import snapshot
from carrel.git.capturing.subject import Subject
from carrel.git.objects import PackWriter
from carrel.git.refs import Move, tip, zeros
from carrel.git.storing.stores import Stores
from carrel.system import faults

__all__ = ["Captured", "Subject", "capture", "record"]

_CRUD = str.maketrans("", "", "<>\n\r\0")


@dataclass(frozen=True, slots=True)
class Captured:
    """A workspace's state as a commit, stored but not referenced yet.

    Attributes:
        commit: Object id; the last checkpoint or the occupant's HEAD when they say it all.
        tree: Its tree.
        files_changed: Paths that differ from the last checkpoint.
        empty: None do.
        skipped: Paths left out or stored in another way, each with the reason.
        parents: Parents of the commit.
    """

    commit: str
    tree: str
    files_changed: int
    empty: bool
    skipped: tuple[tuple[str, str], ...]
    parents: tuple[str, ...]


def capture(  # noqa: PLR0913 - each is one independent fact of a checkpoint
    tree: Subject,
    *,
    last: str,
    head: str | None,
    start: str,
    message: str,
    when: datetime,
    identity: tuple[str, str],
    max_file_bytes: int,
    allow_empty: bool,
    leave_out: bool = False,
) -> Captured:
    """Store a workspace's whole state as a commit in the vault; call `record` to keep it.

    Args:
        tree: The workspace.
        last: Its last checkpoint, or the commit it started at.
        head: The occupant's HEAD, present in the vault; None if there is none to count.
        start: The commit the workspace started at.
        message: Of the commit.
        when: Of the commit.
        identity: Name and e-mail address of the commit.
        max_file_bytes: Largest file that is taken.
        allow_empty: Make a commit even if nothing changed.
        leave_out: Instead of refusing, leave out what is too large or can't be read.

    Raises:
        RefusedError: `file_too_large`, `file_unreadable` or `workspace_in_motion`; nothing
            was recorded.
    """
    stores = tree.stores
    reader = stores.vault_reader
    counted = head if head is not None and is_ancestor(stores, start, head) else None
    last_tree = reader.commit(last).tree
    head_tree = reader.commit(counted).tree if counted is not None else ""
    writer = PackWriter(f"{tree.place.vault}/objects", stores.width)
    known = (head_tree, last_tree)
    found = snapshot(tree, writer, known, max_file_bytes, leave_out=leave_out)
    parents = _parents(stores, start, last, counted)
    changed = sum(1 for _ in found.forest.differing(last_tree, found.tree))
    if not allow_empty and len(parents) == 1 and found.tree == reader.commit(parents[0]).tree:
        return Captured(parents[0], found.tree, changed, changed == 0, found.skipped, parents)
    data = commit_data(found.tree, parents, message, when, identity)
    commit = writer.add("commit", data)
    faults.point("capture.read")
    writer.flush()
    return Captured(commit, found.tree, changed, changed == 0, found.skipped, parents)


def record(stores: Stores, workspace_id: str, *, number: int, commit: str, previous: str) -> None:
    """Keep a captured commit: both references of a checkpoint move together, or none.

    Repeating it is harmless.

    Args:
        stores: The project's stores.
        workspace_id: Whose checkpoint it is.
        number: 1, 2, 3 … in the workspace.
        commit: What was captured.
        previous: What the workspace's head must be now.

    Raises:
        RefusedError: `checkpoint_raced` when somebody else recorded one meanwhile.
    """
    head = f"refs/carrel/ws/{workspace_id}/head"
    numbered = f"refs/carrel/ws/{workspace_id}/checkpoint/{number}"
    moves = (Move(head, commit, previous), Move(numbered, commit, zeros(stores.width)))
    if stores.vault_refs.move(moves):
        faults.point("record.moved")
        return
    if tip(stores.vault, head) == commit and tip(stores.vault, numbered) == commit:
        return
    raise RefusedError(
        "checkpoint_raced",
        f"Checkpoint {number} of {workspace_id} was not recorded.",
        why="Another process recorded one at the same moment.",
        cure="Try again; nothing is lost.",
    )


def commit_data(
    tree: str,
    parents: tuple[str, ...],
    message: str,
    when: datetime,
    identity: tuple[str, str],
) -> bytes:
    """Return the bytes of a commit object; equal arguments give equal bytes."""
    name, email = (part.translate(_CRUD).strip() or "carrel" for part in identity)
    person = f"{name} <{email}> {int(when.timestamp())} +0000"
    lines = [
        f"tree {tree}",
        *(f"parent {parent}" for parent in parents),
        f"author {person}",
        f"committer {person}",
    ]
    text = message.replace("\0", "\N{REPLACEMENT CHARACTER}").rstrip("\n")
    return ("\n".join(lines) + "\n\n" + text + "\n").encode("utf-8", "surrogateescape")


def _parents(stores: Stores, start: str, last: str, head: str | None) -> tuple[str, ...]:
    # Every checkpoint descends from the start, so a HEAD that never moved needs no search.
    if head is None or head in {start, last}:
        return (last,)
    if is_ancestor(stores, last, head):
        return (head,)
    if is_ancestor(stores, head, last):
        return (last,)
    return (last, head)
