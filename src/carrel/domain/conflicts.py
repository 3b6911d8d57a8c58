"""Conflicts of a merge, and the rules by which they are settled."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from fnmatch import fnmatchcase

from carrel.domain.records import dataclass


class ConflictKind(StrEnum):
    """What clashed."""

    CONTENT = "content"
    ADD_ADD = "add/add"
    MODIFY_DELETE = "modify/delete"
    RENAME_DELETE = "rename/delete"
    RENAME_RENAME_1TO2 = "rename/rename 1to2"
    RENAME_RENAME_2TO1 = "rename/rename 2to1"
    RENAME_ADD = "rename/add"
    FILE_DIRECTORY = "file/directory"
    DIRECTORY_RENAME = "directory rename"
    BINARY = "binary"
    MODE = "mode"
    TYPE = "type"
    SUBMODULE = "submodule"


class Strategy(StrEnum):
    """How a conflict is settled."""

    NEWEST_FILE_WINS = "newest_file_wins"
    CHILD = "child"
    PARENT = "parent"
    UNION = "union"
    FAIL = "fail"
    COMMAND = "command"


class Side(StrEnum):
    """The two sides of a merge: the child brings its work into the parent."""

    CHILD = "child"
    PARENT = "parent"

    @property
    def other(self) -> "Side":
        """The opposite side."""
        return Side.PARENT if self is Side.CHILD else Side.CHILD


@dataclass(frozen=True, slots=True)
class Rules:
    """Which strategy settles which conflict: kind first, then the first glob, then the default.

    Attributes:
        default: For whatever no rule names.
        globs: (pattern, strategy) in order; `**` crosses folders, `*` does not.
        kinds: Strategy per kind of conflict; wins over globs.
        tie: Who wins when both sides are equally new.
        command: Argument list of the merge program for `command`; it gets the paths of three
            files (base, parent, child) and of the file to write as its last arguments, and
            must exit 0.
    """

    default: Strategy = Strategy.NEWEST_FILE_WINS
    globs: tuple[tuple[str, Strategy], ...] = ()
    kinds: Mapping[ConflictKind, Strategy] = field(default_factory=dict[ConflictKind, Strategy])
    tie: Side = Side.CHILD
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """One side's entry at a path: octal mode (`100644`) and object id."""

    path: str
    mode: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """One conflict and how it was settled.

    Attributes:
        path: The path a person would name for it.
        kind: What clashed.
        strategy: The strategy that settled it.
        winner: Side whose entries were taken; None for `union` and `command`.
        winning: Entries of the group in the result (empty: deleted).
        losing: Entries of the other side that did not make it (empty: it had deleted).
        kept_ref: Reference in the vault under which the losing commit is kept.
        reason: One sentence: why this side.
    """

    path: str
    kind: ConflictKind
    strategy: Strategy
    winner: Side | None
    winning: tuple[Version, ...]
    losing: tuple[Version, ...]
    kept_ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """One group of paths that clash together.

    Attributes:
        path: The path a person would name for it.
        kind: What clashed.
        paths: Every path of the group, sorted.
    """

    path: str
    kind: ConflictKind
    paths: tuple[str, ...]


def strategy_for(rules: Rules, kind: ConflictKind, path: str) -> Strategy:
    """Return the strategy that settles a conflict.

    The kind's rule comes first, then the first glob that fits the path, then the default.
    """
    if kind in rules.kinds:
        return rules.kinds[kind]
    for glob, strategy in rules.globs:
        if glob_fits(glob, path):
            return strategy
    return rules.default


def glob_fits(glob: str, path: str) -> bool:
    """Tell whether a glob names a path.

    As in git's attributes: a glob without a slash names files in any folder, one with a slash
    is read from the root. `*`, `?` and `[…]` stay within one name, `**` crosses folders, and a
    slash at the end names all that is inside.
    """
    parts = glob.removeprefix("/").split("/")
    if len(parts) > 1 and not parts[-1]:
        parts[-1] = "**"
    if "/" not in glob:
        parts.insert(0, "**")
    return _fits(tuple(parts), tuple(path.split("/")))


def _fits(globs: tuple[str, ...], names: tuple[str, ...]) -> bool:
    if not globs or not names:
        return not globs and not names
    if globs[0] != "**":
        return fnmatchcase(names[0], globs[0]) and _fits(globs[1:], names[1:])
    if len(globs) == 1:
        return True
    return _fits(globs[1:], names) or _fits(globs, names[1:])
