"""Conflict groups: all paths that clash together, found in the three original trees.

Git says where a merge clashed; what belongs together is worked out here, because git's own
stages of a renamed file may already hold conflict markers, and its messages can't tell an
addition from a rename that ends at the same path.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import field

from carrel.domain.conflicts import ConflictKind, Side
from carrel.domain.records import dataclass
from carrel.git.merging.mergetree import Message, Outcome
from carrel.git.merging.sides import Sides
from carrel.git.objects import SUBMODULE, Entry

FILE_DIRECTORY = "CONFLICT (file/directory)"
DISTINCT_TYPES = "CONFLICT (distinct modes)"
RENAME_RENAME = "CONFLICT (rename/rename)"
RENAME_DELETE = "CONFLICT (rename/delete)"
MODIFY_DELETE = "CONFLICT (modify/delete)"
BINARY = "CONFLICT (binary)"
SUGGESTED = "CONFLICT (directory rename suggested)"
IN_THE_WAY = "CONFLICT (file in way of directory rename)"
COLLISION = "CONFLICT(directory rename collision)"
SPLIT = "CONFLICT(directory rename unclear split)"

_TELLING = (
    (FILE_DIRECTORY, ConflictKind.FILE_DIRECTORY),
    (DISTINCT_TYPES, ConflictKind.TYPE),
    (RENAME_RENAME, ConflictKind.RENAME_RENAME_1TO2),
)
_ABOUT_FOLDERS = {SUGGESTED, IN_THE_WAY, COLLISION, SPLIT}


@dataclass(frozen=True, slots=True)
class Move:
    """A file that one side put into a folder which the other side renamed.

    Attributes:
        source: Where its maker put it.
        target: Where the other side's rename would carry it; None when that is not clear.
        maker: The side that put it there.
    """

    source: bytes
    target: bytes | None
    maker: Side


@dataclass(frozen=True, slots=True)
class Group:
    """Paths that are settled together.

    Attributes:
        path: The path a person would name.
        kind: What clashed.
        paths: Every path that stands in one of the three trees, sorted.
        moves: Files in renamed folders.
        invented: Paths that git made up (`p~commit`, a suggested place); in no tree.
    """

    path: bytes
    kind: ConflictKind
    paths: tuple[bytes, ...]
    moves: tuple[Move, ...] = ()
    invented: tuple[bytes, ...] = ()


@dataclass(slots=True)
class _Clashes:
    """What git said, with the names it made up traced back."""

    seeds: dict[bytes, list[Message]] = field(default_factory=lambda: defaultdict(list))
    links: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    moves: dict[bytes, Move] = field(default_factory=dict[bytes, Move])
    invented: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))


def find_groups(outcome: Outcome, sides: Sides) -> list[Group]:
    """Return the groups of a conflicted merge, ordered by path."""
    clashes = _read(outcome, sides)
    seen: set[bytes] = set()
    groups: list[Group] = []
    for seed in sorted(clashes.seeds):
        if seed in seen:
            continue
        members = _connected(seed, clashes, sides)
        seen |= members
        groups.append(_group(members, clashes, sides))
    return sorted(groups, key=lambda group: group.path)


def _read(outcome: Outcome, sides: Sides) -> _Clashes:
    clashes = _Clashes()
    real = {
        made_up: path for made_up, path in aliases(outcome).items() if made_up not in sides.triples
    }
    for made_up, path in real.items():
        clashes.invented[path].add(made_up)
    for stage in outcome.stages:
        path = real.get(stage.path, stage.path)
        clashes.seeds.setdefault(path, [])
        if stage.stage == 1:
            _trace(path, Entry(stage.mode, stage.oid), clashes, sides)
    for message in outcome.messages:
        if message.conflict:
            paths = tuple(dict.fromkeys(real.get(path, path) for path in message.paths))
            _take(Message(paths, message.kind), clashes, sides)
    return clashes


def aliases(outcome: Outcome) -> dict[bytes, bytes]:
    """Map the names that git may have made up to the paths they stand for."""
    real: dict[bytes, bytes] = {}
    for message in outcome.messages:
        if message.kind == FILE_DIRECTORY:
            real |= dict.fromkeys(message.paths[:1], message.paths[-1])
        elif message.kind == DISTINCT_TYPES:
            real |= dict.fromkeys(message.paths[1:], message.paths[0])
    return {made_up: path for made_up, path in real.items() if made_up != path}


def _trace(path: bytes, base: Entry, clashes: _Clashes, sides: Sides) -> None:
    """Link a base version that git shows under a new name with the path it came from."""
    if sides.at(path).base is not None:
        return
    known = {renames.source.get(path) for renames in sides.renames.values()}
    if known != {None}:
        return
    for source, triple in sides.triples.items():
        if triple.base == base and (triple.parent is None or triple.child is None):
            _link((path, source), clashes)


def _take(message: Message, clashes: _Clashes, sides: Sides) -> None:
    if message.kind == SUGGESTED:
        target, source = message.paths[0], message.paths[-1]
        moves = [Move(source, target, _maker(source, sides))]
        if target not in sides.triples:
            clashes.invented[source].add(target)
        linked: tuple[bytes, ...] = (source, target)
    elif message.kind in (IN_THE_WAY, COLLISION):
        moves = [Move(source, None, _maker(source, sides)) for source in message.paths[1:]]
        linked = ()
    elif message.kind == SPLIT:
        moves = list(_left_behind(message.paths[0], sides))
        linked = ()
        if not moves:
            clashes.seeds[message.paths[0]].append(message)
    else:
        moves, linked = [], message.paths
        clashes.seeds[message.paths[0]].append(message)
    for move in moves:
        clashes.moves[move.source] = move
        clashes.seeds[move.source].append(message)
    _link(linked, clashes)


def _link(paths: tuple[bytes, ...], clashes: _Clashes) -> None:
    for path in paths:
        clashes.links[path] |= set(paths) - {path}


def _maker(path: bytes, sides: Sides) -> Side:
    return Side.CHILD if sides.at(path).child is not None else Side.PARENT


def _left_behind(folder: bytes, sides: Sides) -> Iterator[Move]:
    """Give what one side added to a folder that the other side split into several."""
    for path in sides.below(folder):
        triple = sides.at(path)
        if triple.base is None and (triple.parent is None) != (triple.child is None):
            maker = _maker(path, sides)
            splits = sides.renames[maker.other].target
            if any(source.startswith(folder + b"/") for source in splits):
                yield Move(path, None, maker)


def _connected(seed: bytes, clashes: _Clashes, sides: Sides) -> set[bytes]:
    members, waiting = {seed}, [seed]
    while waiting:
        for path in _neighbours(waiting.pop(), clashes, sides):
            if path not in members:
                members.add(path)
                waiting.append(path)
    return members


def _neighbours(path: bytes, clashes: _Clashes, sides: Sides) -> Iterator[bytes]:
    """Give what can't be settled apart from a path: its renames, and files in its way."""
    yield from clashes.links.get(path, ())
    for renames in sides.renames.values():
        for other in (renames.target.get(path), renames.source.get(path)):
            if other is not None:
                yield other
    if path in sides.triples:
        yield from sides.below(path)
    above = path.rpartition(b"/")[0]
    while above:
        if above in sides.triples:
            yield above
        above = above.rpartition(b"/")[0]


def _group(members: set[bytes], clashes: _Clashes, sides: Sides) -> Group:
    seeds = sorted(path for path in members if path in clashes.seeds)
    messages = [message for path in seeds for message in clashes.seeds[path]]
    kind, path = _describe(seeds, messages, sides)
    invented = {one for member in members for one in clashes.invented.get(member, ())}
    return Group(
        path=path,
        kind=kind,
        paths=tuple(sorted(one for one in members if one in sides.triples)),
        moves=tuple(clashes.moves[one] for one in seeds if one in clashes.moves),
        invented=tuple(sorted(invented)),
    )


def _describe(
    seeds: list[bytes], messages: list[Message], sides: Sides
) -> tuple[ConflictKind, bytes]:
    """Name a group by the most telling of its clashes, and the path a person would name."""
    said = {message.kind: message.paths for message in reversed(messages)}
    for name, kind in _TELLING:
        if name in said:
            return kind, said[name][0]
    for path in seeds:
        meeting = _meeting(path, sides)
        if meeting is not None:
            return meeting, path
    if RENAME_DELETE in said:
        return ConflictKind.RENAME_DELETE, said[RENAME_DELETE][0]
    if said.keys() & _ABOUT_FOLDERS:
        paths = said.get(SUGGESTED, seeds)
        return ConflictKind.DIRECTORY_RENAME, paths[-1]
    return _plain(seeds[0], said, sides), seeds[0]


def _meeting(path: bytes, sides: Sides) -> ConflictKind | None:
    """Tell whether two different things met at a path, at least one of them renamed."""
    triple = sides.at(path)
    if triple.parent is None or triple.child is None:
        return None
    sources = {renames.source.get(path) for renames in sides.renames.values()}
    if len(sources) == 1:
        return None
    if None in sources:
        return ConflictKind.RENAME_ADD
    return ConflictKind.RENAME_RENAME_2TO1


def _plain(path: bytes, said: dict[str, tuple[bytes, ...]], sides: Sides) -> ConflictKind:
    triple = sides.at(path)
    if any(
        entry is not None and entry.mode == SUBMODULE
        for entry in (triple.base, triple.parent, triple.child)
    ):
        return ConflictKind.SUBMODULE
    if MODIFY_DELETE in said:
        return ConflictKind.MODIFY_DELETE
    if BINARY in said:
        return ConflictKind.BINARY
    renamed = any(path in renames.source for renames in sides.renames.values())
    if triple.base is None and triple.parent and triple.child and not renamed:
        same = triple.parent.oid == triple.child.oid
        return ConflictKind.MODE if same else ConflictKind.ADD_ADD
    return ConflictKind.CONTENT
