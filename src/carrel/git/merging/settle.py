"""Settle all conflict groups of one merge by the rules."""

import os
from collections.abc import Iterable, Sequence

from carrel.domain.conflicts import ConflictKind, Rules, Side, Strategy, strategy_for
from carrel.domain.records import dataclass
from carrel.git.gateway import Git
from carrel.git.merging.command import Refusal, run_program
from carrel.git.merging.groups import Group
from carrel.git.merging.resolve import Settled, move_folders, newest, pick
from carrel.git.merging.sides import Sides, Triple
from carrel.git.merging.times import read_times, times_of_single_commits
from carrel.git.merging.union import unite
from carrel.git.merging.versions import LinedUp, both_names, line_up
from carrel.git.objects import Entry, PackWriter, Reader

_FALLBACK = "Lines can't be united here: "


@dataclass(frozen=True, slots=True)
class Left:
    """A conflict that is left for a person.

    Attributes:
        group: What clashes.
        why: One sentence where more is known than that no rule settles it, else empty.
    """

    group: Group
    why: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One merge and what is needed to settle it."""

    git: Git
    reader: Reader
    writer: PackWriter
    parent: str
    child: str
    sides: Sides
    rules: Rules


def settle(case: Case, groups: Sequence[Group]) -> tuple[list[Settled], list[Left]]:
    """Settle what the rules can settle.

    Returns:
        What is settled and what is left for a person, both in the order of the groups.
    """
    asked = [
        (group, strategy_for(case.rules, group.kind, os.fsdecode(group.path))) for group in groups
    ]
    done: dict[bytes, Settled] = {}
    refused: dict[bytes, str] = {}
    by_time = [(group, "") for group, strategy in asked if strategy is Strategy.NEWEST_FILE_WINS]
    by_union = [group for group, strategy in asked if strategy is Strategy.UNION]
    for group, one in _unite(case, by_union):
        if one is None:
            by_time.append((group, _FALLBACK))
        else:
            done[group.path] = one
    for one in _newest(case, by_time):
        done[one.group.path] = one
    for group, strategy in asked:
        if strategy in (Strategy.CHILD, Strategy.PARENT):
            side = Side.CHILD if strategy is Strategy.CHILD else Side.PARENT
            reason = f"The rule for this path takes the {side}."
            done[group.path] = pick(group, case.sides, side, strategy, reason)
        elif strategy is Strategy.COMMAND:
            answer = _command(case, group)
            if isinstance(answer, Refusal):
                refused[group.path] = answer.why
            else:
                done[group.path] = answer
    left = [Left(group, refused.get(group.path, "")) for group in groups if group.path not in done]
    return [done[group.path] for group in groups if group.path in done], left


def _newest(case: Case, groups: Sequence[tuple[Group, str]]) -> Iterable[Settled]:
    if not groups:
        return []
    paths = {path for group, _ in groups for path in group.paths}
    folders = {
        folder for group, _ in groups for move in group.moves for folder in move_folders(move)
    }
    tips = {Side.PARENT: case.parent, Side.CHILD: case.child}
    times = times_of_single_commits(case.reader, tips, case.sides.base, case.sides) or read_times(
        case.git, case.parent, case.child, paths, folders
    )
    return [newest(group, case.sides, times, case.rules, why) for group, why in groups]


def _unite(case: Case, groups: Sequence[Group]) -> Iterable[tuple[Group, Settled | None]]:
    lined = [(group, _united_by_hand(group, case.sides)) for group in groups]
    asked = [
        (number, path, triple)
        for number, (_, one) in enumerate(lined)
        if one is not None
        for path, triple in one.clashes.items()
    ]
    answers = unite(case.git, [triple for _, _, triple in asked])
    failed = {
        number for (number, _, _), answer in zip(asked, answers, strict=True) if answer is None
    }
    for (number, path, _), answer in zip(asked, answers, strict=True):
        one = lined[number][1]
        if number not in failed and answer is not None and one is not None:
            one.entries[path] = Entry(answer.mode, case.writer.blob(answer.data))
    for number, (group, one) in enumerate(lined):
        if one is None or number in failed:
            yield group, None
        else:
            yield group, _union(group, one)


def _united_by_hand(group: Group, sides: Sides) -> LinedUp | None:
    """Line a group up for `union`; None when it can't hold both sides."""
    if group.moves or group.kind is ConflictKind.SUBMODULE:
        return None
    one = line_up(group, sides)
    return one if one.possible() else None


def _union(group: Group, one: LinedUp) -> Settled:
    if one.clashes:
        reason = "The lines of both sides were united."
    elif one.halves:
        reason = "Union keeps what one side changed and the other deleted."
    else:
        reason = "Union keeps the files of both sides."
    return Settled(group, Strategy.UNION, None, one.entries, reason)


def _command(case: Case, group: Group) -> Settled | Refusal:
    """Ask the merge program for each file of a group; refused unless it answers for all."""
    one = _questions(case, group)
    entries = dict(one.entries)
    for path, triple in {**one.clashes, **one.halves}.items():
        answer = run_program(case.rules.command, case.reader, path, group.kind, triple)
        if isinstance(answer, Refusal):
            return answer
        mode, data = answer
        entries[path] = Entry(mode, case.writer.blob(data))
    if not (one.clashes or one.halves) or not LinedUp(entries).possible():
        return Refusal("A merge program can't merge what is no file on either side.")
    return Settled(group, Strategy.COMMAND, None, entries, "The merge program merged it.")


def _questions(case: Case, group: Group) -> LinedUp:
    sides = case.sides
    if group.moves:
        return _placed(group, sides)
    if group.kind is ConflictKind.FILE_DIRECTORY:
        return _as_file(group, sides)
    one = line_up(group, sides)
    names = both_names(group, sides)
    if names is not None:
        source, parent, child = names
        keep, drop = (child, parent) if case.rules.tie is Side.CHILD else (parent, child)
        one.entries[drop] = None
        one.clashes[keep] = Triple(
            sides.at(source).base, sides.at(parent).parent, sides.at(child).child
        )
    return one


def _placed(group: Group, sides: Sides) -> LinedUp:
    """Line up a file in a renamed folder: at the new place, with its maker's version alone."""
    move = group.moves[0]
    carried = pick(group, sides, move.maker.other, Strategy.COMMAND, "")
    one = LinedUp(dict(carried.entries))
    for move in group.moves:
        entry = sides.at(move.source).of(move.maker)
        place = move.source if move.target is None else move.target
        if entry is not None and one.entries.get(place) == entry:
            one.halves[place] = sides.at(move.source)
        elif entry is not None and one.entries.get(move.source) == entry:
            one.halves[move.source] = sides.at(move.source)
    return one


def _as_file(group: Group, sides: Sides) -> LinedUp:
    """Line up a file against a folder: the program's file takes the folder's place."""
    triple = sides.at(group.path)
    side = Side.CHILD if triple.child is not None else Side.PARENT
    taken = pick(group, sides, side, Strategy.COMMAND, "")
    return LinedUp(dict(taken.entries), halves={group.path: triple})
