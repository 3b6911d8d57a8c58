"""Unite two versions of many files at once: the lines of both sides, without markers."""

import tempfile
from collections.abc import Iterable, Sequence

from carrel.domain.records import dataclass
from carrel.git.gateway import Git
from carrel.git.merging.mergetree import merge_tree
from carrel.git.merging.sides import Triple
from carrel.git.objects import EXECUTABLE, FILE, Entry, PackWriter, Reader
from carrel.git.throwaway import objects_folder, throwaway_objects

_REGULAR = (FILE, EXECUTABLE)


@dataclass(frozen=True, slots=True)
class United:
    """The bytes of a united file and its mode."""

    data: bytes
    mode: int


def unite(git: Git, triples: Sequence[Triple]) -> list[United | None]:
    """Unite both sides of each triple; None where that makes no sense (binary, links, …).

    All files go through one `git merge-tree` with the driver `union`, as files of three small
    trees in a throwaway store: one process instead of one a file.
    """
    fit = [number for number, triple in enumerate(triples) if _fits(triple)]
    united: list[United | None] = [None] * len(triples)
    if not fit:
        return united
    with throwaway_objects(git) as scratch:
        found = _united(scratch, {number: triples[number] for number in fit})
    for number, data in found.items():
        united[number] = United(data, three_way_mode(triples[number]))
    return united


def three_way_mode(triple: Triple) -> int:
    """Return the mode that the side which changed it gave; the child's when both did."""
    base, parent, child = (
        entry.mode if entry else 0 for entry in (triple.base, triple.parent, triple.child)
    )
    return parent if parent and child in (base, 0) else child


def _fits(triple: Triple) -> bool:
    return (
        triple.parent is not None
        and triple.child is not None
        and triple.parent.mode in _REGULAR
        and triple.child.mode in _REGULAR
        and (triple.base is None or triple.base.mode in _REGULAR)
    )


def _united(scratch: Git, triples: dict[int, Triple]) -> dict[int, bytes]:
    parent, child = _commits(scratch, triples)
    with tempfile.NamedTemporaryFile(prefix="carrel-union-") as attributes:
        attributes.write(b"* merge=union\n")
        attributes.flush()
        setting = f"core.attributesFile={attributes.name}"
        outcome = merge_tree(scratch, parent, child, "-c", setting)
    failed = {stage.path for stage in outcome.stages}
    numbers = [number for number in triples if _name(number) not in failed]
    reader = Reader(scratch)
    try:
        entries = reader.tree(outcome.tree)
        found = reader.read_many([entries[_name(number)].oid for number in numbers])
    finally:
        reader.close()
    return {number: data for number, (_, data) in zip(numbers, found, strict=True)}


def _commits(scratch: Git, triples: dict[int, Triple]) -> tuple[str, str]:
    """Write a parent and a child commit whose files are the versions to unite."""
    width = len(
        next(entry.oid for triple in triples.values() for entry in (triple.child,) if entry)
    )
    writer = PackWriter(objects_folder(scratch), width // 2)

    def commit(versions: Iterable[tuple[int, Entry | None]], above: str = "") -> str:
        tree = writer.tree(
            (_name(number), Entry(FILE, entry.oid)) for number, entry in versions if entry
        )
        who = b"Carrel <carrel@localhost> 0 +0000"
        parent = f"parent {above}\n".encode() if above else b""
        body = b"tree %s\n%sauthor %s\ncommitter %s\n\nunion\n" % (
            tree.encode(),
            parent,
            who,
            who,
        )
        return writer.add("commit", body)

    base = commit((number, triple.base) for number, triple in triples.items())
    parent = commit(((number, triple.parent) for number, triple in triples.items()), base)
    child = commit(((number, triple.child) for number, triple in triples.items()), base)
    writer.flush()
    return parent, child


def _name(number: int) -> bytes:
    return b"%09d" % number
