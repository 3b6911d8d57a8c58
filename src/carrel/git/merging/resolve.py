"""Settle conflict groups: which entries each path of a group gets, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import UTC, datetime

from carrel.domain.conflicts import Rules, Side, Strategy
from carrel.domain.records import dataclass
from carrel.git.merging.groups import Group, Move
from carrel.git.merging.sides import Sides
from carrel.git.merging.times import Times
from carrel.git.objects import Entry


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of a group.

    Attributes:
        group: What clashed.
        strategy: The strategy that settled it.
        winner: Whose entries were taken; None when both sides went in.
        entries: Entry by path, None for nothing; every path of the group is in it.
        reason: One sentence.
        safe: Paths of the losing side whose content is in the result elsewhere.
    """

    group: Group
    strategy: Strategy
    winner: Side | None
    entries: Mapping[bytes, Entry | None]
    reason: str
    safe: frozenset[bytes] = field(default_factory=frozenset[bytes])


def pick(group: Group, sides: Sides, winner: Side, strategy: Strategy, reason: str) -> Settled:
    """Take one side's original entries for every path of a group.

    A file that the loser put into a folder which the winner renamed is carried along, or
    stays where it was made, so that it is not lost.
    """
    entries: dict[bytes, Entry | None] = dict.fromkeys(group.invented)
    entries |= {path: sides.at(path).of(winner) for path in group.paths}
    safe: set[bytes] = set()
    for move in group.moves:
        if move.maker is not winner:
            safe |= _carry(move, sides, winner, entries)
    return Settled(group, strategy, winner, entries, reason, frozenset(safe))


def _carry(
    move: Move, sides: Sides, winner: Side, entries: dict[bytes, Entry | None]
) -> set[bytes]:
    """Place a loser's file where the winner's view says; return the paths that are safe."""
    entry = sides.at(move.source).of(move.maker)
    origin = sides.renames[move.maker].source.get(move.source)
    if entry is None or (origin is not None and sides.at(origin).changed(winner)):
        return set()  # the winner has a version of this very file
    for place in (move.target, move.source):
        if place is not None and _free(place, sides, winner, entries):
            entries[place] = entry
            if origin is not None:
                entries[origin] = None
            return {move.source}
    return set()


def _free(place: bytes, sides: Sides, winner: Side, entries: Mapping[bytes, Entry | None]) -> bool:
    """Whether neither a file, nor a folder, nor a file above stands at a place."""
    above = place
    while above:
        if entries.get(above) is not None or sides.at(above).of(winner) is not None:
            return False
        above = above.rpartition(b"/")[0]
    inside = place + b"/"
    return not any(entry and path.startswith(inside) for path, entry in entries.items()) and all(
        sides.at(path).of(winner) is None for path in sides.below(place)
    )


def newest(group: Group, sides: Sides, times: Times, rules: Rules, fallback: str = "") -> Settled:
    """Take the side that touched any path of the group last.

    Args:
        group: What clashed.
        sides: The three trees.
        times: When each side touched what.
        rules: For the rule of ties.
        fallback: Why another strategy gave way to this one.
    """
    child, parent = (side_time(group, times, side) for side in (Side.CHILD, Side.PARENT))
    if child == parent:
        winner, why = rules.tie, f"both sides are of {_moment(child)}, and ties go to the"
    else:
        winner = Side.CHILD if (child or 0) > (parent or 0) else Side.PARENT
        new, old = (child, parent) if winner is Side.CHILD else (parent, child)
        why = f"last changed {_moment(new)}, the other side {_moment(old)}, so newest is the"
    reason = f"{fallback}{why} {winner}."
    return pick(group, sides, winner, Strategy.NEWEST_FILE_WINS, reason[0].upper() + reason[1:])


def side_time(group: Group, times: Times, side: Side) -> int | None:
    """Return when a side last touched a group."""
    found = [times.newest(side, group.paths)]
    found += [
        times.newest_below(side, set(move_folders(move)))
        for move in group.moves
        if move.maker is not side
    ]
    return max((time for time in found if time is not None), default=None)


def move_folders(move: Move) -> Iterator[bytes]:
    """Give the folders whose rename a move is about."""
    for path in (move.source, move.target):
        if path is not None:
            yield path.rpartition(b"/")[0]


def _moment(time: int | None) -> str:
    if time is None:
        return "at an unknown time"
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):  # git takes any number for a time
        return f"{time} seconds after 1970"
