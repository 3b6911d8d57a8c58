"""Every kind of conflict, with the tree that each strategy must leave, written down.

A value is a file's text, or a pair of what it is and its content: `("x", text)` executable,
`("l", target)` link, `("s", id)` submodule, `("b", text)` a file with a NUL byte in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from carrel.domain.conflicts import ConflictKind as Kind

Value = str | tuple[str, str]
Tree = Mapping[str, Value]


@dataclass(frozen=True)
class Case:
    """One conflict.

    Attributes:
        name: Of the case.
        kind: What it must be called.
        path: The path it must be named by.
        base, parent, child: The three trees.
        parent_wins, child_wins: Expected where that side is taken.
        union: Expected of `union`; None where it falls back to the newest file.
        union_swapped: The same with the sides swapped; None for the same tree.
        command: Expected of a program that writes `merged`; None where it can't be asked.
        command_swapped: The same with the sides swapped; None for the same tree.
        swapped_path: Name with the sides swapped.
    """

    name: str
    kind: Kind
    path: str
    base: Tree
    parent: Tree
    child: Tree
    parent_wins: Tree
    child_wins: Tree
    union: Tree | None
    command: Tree | None
    union_swapped: Tree | None = None
    command_swapped: Tree | None = None
    swapped_path: str = ""


def lines(word: str, **changed: str) -> str:
    """Ten lines; `_5="x"` changes the fifth."""
    return "".join(f"{changed.get(f'_{n}', f'{word} {n}')}\n" for n in range(1, 11))


A, AP, AC = lines("a"), lines("a", _5="parent"), lines("a", _5="child")
A_UNION = lines("a", _5="parent\nchild")
A_NOINU = lines("a", _5="child\nparent")
B, BP, BC = lines("b"), lines("b", _5="parent"), lines("b", _5="child")
KEEP: Tree = {"keep": "kept\n"}
ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
D: Tree = {"d/1": lines("one"), "d/2": lines("two"), "d/3": lines("three")}
E: Tree = {"e/1": lines("one"), "e/2": lines("two"), "e/3": lines("three")}
F: Tree = {"d/1": lines("one"), "d/2": lines("two"), "d/3": lines("three"), "d/4": lines("four")}
SPLIT: Tree = {
    "e/1": lines("one"),
    "e/2": lines("two"),
    "g/3": lines("three"),
    "g/4": lines("four"),
}
MERGED = "merged\n"

CASES = (
    Case(
        "content",
        Kind.CONTENT,
        "f",
        base={"f": A},
        parent={"f": AP},
        child={"f": AC},
        parent_wins={"f": AP},
        child_wins={"f": AC},
        union={"f": A_UNION},
        union_swapped={"f": A_NOINU},
        command={"f": MERGED},
    ),
    Case(
        "content below folders, beside clean changes",
        Kind.CONTENT,
        "x/y/f",
        base={"x/y/f": A, "x/p": "1", "x/y/c": "1"},
        parent={"x/y/f": AP, "x/p": "2", "x/y/c": "1"},
        child={"x/y/f": AC, "x/p": "1", "x/y/c": "2"},
        parent_wins={"x/y/f": AP, "x/p": "2", "x/y/c": "2"},
        child_wins={"x/y/f": AC, "x/p": "2", "x/y/c": "2"},
        union={"x/y/f": A_UNION, "x/p": "2", "x/y/c": "2"},
        union_swapped={"x/y/f": A_NOINU, "x/p": "2", "x/y/c": "2"},
        command={"x/y/f": MERGED, "x/p": "2", "x/y/c": "2"},
    ),
    Case(
        "content and mode",
        Kind.CONTENT,
        "f",
        base={"f": A},
        parent={"f": ("x", AP)},
        child={"f": AC},
        parent_wins={"f": ("x", AP)},
        child_wins={"f": AC},
        union={"f": ("x", A_UNION)},
        union_swapped={"f": ("x", A_NOINU)},
        command={"f": ("x", MERGED)},
    ),
    Case(
        "content of a file that one side renamed",
        Kind.CONTENT,
        "g",
        base={"f": A},
        parent={"g": AP},
        child={"f": AC},
        parent_wins={"g": AP},
        child_wins={"f": AC},
        union={"g": A_UNION},
        union_swapped={"g": A_NOINU},
        command={"g": MERGED},
    ),
    Case(
        "content of a file that both sides renamed alike",
        Kind.CONTENT,
        "g",
        base={"f": A},
        parent={"g": AP},
        child={"g": AC},
        parent_wins={"g": AP},
        child_wins={"g": AC},
        union={"g": A_UNION},
        union_swapped={"g": A_NOINU},
        command={"g": MERGED},
    ),
    Case(
        "targets of a link",
        Kind.CONTENT,
        "f",
        base={"f": ("l", "base")},
        parent={"f": ("l", "parent")},
        child={"f": ("l", "child")},
        parent_wins={"f": ("l", "parent")},
        child_wins={"f": ("l", "child")},
        union=None,
        command={"f": ("l", MERGED)},
    ),
    Case(
        "added on both sides",
        Kind.ADD_ADD,
        "f",
        base={},
        parent={"f": "p\n"},
        child={"f": "c\n"},
        parent_wins={"f": "p\n"},
        child_wins={"f": "c\n"},
        union={"f": "p\nc\n"},
        union_swapped={"f": "c\np\n"},
        command={"f": MERGED},
    ),
    Case(
        "modified and deleted",
        Kind.MODIFY_DELETE,
        "f",
        base={"f": A},
        parent={},
        child={"f": AC},
        parent_wins={},
        child_wins={"f": AC},
        union={"f": AC},
        command={"f": MERGED},
    ),
    Case(
        "modified and deleted, the last of its folder",
        Kind.MODIFY_DELETE,
        "d/e/f",
        base={"d/e/f": A},
        parent={},
        child={"d/e/f": AC},
        parent_wins={},
        child_wins={"d/e/f": AC},
        union={"d/e/f": AC},
        command={"d/e/f": MERGED},
    ),
    Case(
        "renamed and deleted",
        Kind.RENAME_DELETE,
        "g",
        base={"f": A},
        parent={"g": A},
        child={},
        parent_wins={"g": A},
        child_wins={},
        union={"g": A},
        command={"g": MERGED},
    ),
    Case(
        "renamed with changes, and deleted",
        Kind.RENAME_DELETE,
        "g",
        base={"f": A},
        parent={"g": AP},
        child={},
        parent_wins={"g": AP},
        child_wins={},
        union={"g": AP},
        command={"g": MERGED},
    ),
    Case(
        "renamed to two names",
        Kind.RENAME_RENAME_1TO2,
        "f",
        base={"f": A},
        parent={"g": A},
        child={"h": A},
        parent_wins={"g": A},
        child_wins={"h": A},
        union={"g": A, "h": A},
        command={"h": MERGED},
        command_swapped={"g": MERGED},
    ),
    Case(
        "renamed to two names with changes in the same line",
        Kind.RENAME_RENAME_1TO2,
        "f",
        base={"f": A},
        parent={"g": AP},
        child={"h": AC},
        parent_wins={"g": AP},
        child_wins={"h": AC},
        union={"g": AP, "h": AC},
        command={"h": MERGED},
        command_swapped={"g": MERGED},
    ),
    Case(
        "two files renamed to one name",
        Kind.RENAME_RENAME_2TO1,
        "x",
        base={"f": A, "g": B},
        parent={"x": A, "g": B},
        child={"f": A, "x": B},
        parent_wins={"x": A, "g": B},
        child_wins={"f": A, "x": B},
        union={"x": A + B},
        union_swapped={"x": B + A},
        command={"x": MERGED},
    ),
    Case(
        "two files renamed to one name, and changed by the other side",
        Kind.RENAME_RENAME_2TO1,
        "x",
        base={"f": A, "g": B},
        parent={"x": AP, "g": BP},
        child={"f": AC, "x": BC},
        parent_wins={"x": AP, "g": BP},
        child_wins={"f": AC, "x": BC},
        union={"x": AP + BC, "f": AC, "g": BP},
        union_swapped={"x": BC + AP, "f": AC, "g": BP},
        command={"x": MERGED, "f": MERGED, "g": MERGED},
    ),
    Case(
        "renamed to a name that the other side added",
        Kind.RENAME_ADD,
        "x",
        base={"f": A},
        parent={"x": A},
        child={"f": A, "x": "c\n"},
        parent_wins={"x": A},
        child_wins={"f": A, "x": "c\n"},
        union={"x": A + "c\n"},
        union_swapped={"x": "c\n" + A},
        command={"x": MERGED},
    ),
    Case(
        "renamed to a name that the other side added, both changed",
        Kind.RENAME_ADD,
        "x",
        base={"f": A},
        parent={"x": AP},
        child={"f": AC, "x": "c\n"},
        parent_wins={"x": AP},
        child_wins={"f": AC, "x": "c\n"},
        union={"x": AP + "c\n", "f": AC},
        union_swapped={"x": "c\n" + AP, "f": AC},
        command={"x": MERGED, "f": MERGED},
    ),
    Case(
        "a file and a folder of one name, both new",
        Kind.FILE_DIRECTORY,
        "d",
        base={},
        parent={"d/x": "p\n", "d/y/z": "p\n"},
        child={"d": "c\n"},
        parent_wins={"d/x": "p\n", "d/y/z": "p\n"},
        child_wins={"d": "c\n"},
        union=None,
        command={"d": MERGED},
    ),
    Case(
        "a file changed on one side, made a folder on the other",
        Kind.FILE_DIRECTORY,
        "d",
        base={"d": A},
        parent={"d/x": "p\n"},
        child={"d": AC},
        parent_wins={"d/x": "p\n"},
        child_wins={"d": AC},
        union=None,
        command={"d": MERGED},
    ),
    Case(
        "a folder changed on one side, made a file on the other",
        Kind.FILE_DIRECTORY,
        "d",
        base={"d/x": A, "d/y": B},
        parent={"d/x": AP, "d/y": B},
        child={"d": "c\n"},
        parent_wins={"d/x": AP, "d/y": B},
        child_wins={"d": "c\n"},
        union=None,
        command={"d": MERGED},
    ),
    Case(
        "a file added to a folder that was renamed",
        Kind.DIRECTORY_RENAME,
        "d/new",
        base=D,
        parent=E,
        child={**D, "d/new": "c\n"},
        parent_wins={**E, "e/new": "c\n"},
        child_wins={**E, "d/new": "c\n"},
        union=None,
        command={**E, "e/new": MERGED},
    ),
    Case(
        "a file moved into a folder that was renamed",
        Kind.DIRECTORY_RENAME,
        "d/r",
        base={**D, "r": A},
        parent={**E, "r": A},
        child={**D, "d/r": A},
        parent_wins={**E, "e/r": A},
        child_wins={**E, "d/r": A},
        union=None,
        command={**E, "e/r": MERGED},
    ),
    Case(
        "a file added to a folder that was renamed onto a file of that name",
        Kind.DIRECTORY_RENAME,
        "d/new",
        base=D,
        parent={**E, "e/new": "p\n"},
        child={**D, "d/new": "c\n"},
        parent_wins={**E, "e/new": "p\n", "d/new": "c\n"},
        child_wins={**E, "d/new": "c\n"},
        union=None,
        command={**E, "e/new": "p\n", "d/new": MERGED},
    ),
    Case(
        "a file added to a folder that was split",
        Kind.DIRECTORY_RENAME,
        "d/new",
        base=F,
        parent=SPLIT,
        child={**F, "d/new": "c\n"},
        parent_wins={**SPLIT, "d/new": "c\n"},
        child_wins={**SPLIT, "d/new": "c\n"},
        union=None,
        command={**SPLIT, "d/new": MERGED},
    ),
    Case(
        "binary",
        Kind.BINARY,
        "f",
        base={"f": ("b", "base")},
        parent={"f": ("b", "parent")},
        child={"f": ("b", "child")},
        parent_wins={"f": ("b", "parent")},
        child_wins={"f": ("b", "child")},
        union=None,
        command={"f": MERGED},
    ),
    Case(
        "binary, added on both sides",
        Kind.BINARY,
        "f",
        base={},
        parent={"f": ("b", "parent")},
        child={"f": "child\n"},
        parent_wins={"f": ("b", "parent")},
        child_wins={"f": "child\n"},
        union=None,
        command={"f": MERGED},
    ),
    Case(
        "mode alone",
        Kind.MODE,
        "f",
        base={},
        parent={"f": ("x", A)},
        child={"f": A},
        parent_wins={"f": ("x", A)},
        child_wins={"f": A},
        union={"f": A},
        union_swapped={"f": ("x", A)},
        command={"f": MERGED},
        command_swapped={"f": ("x", MERGED)},
    ),
    Case(
        "a file changed on one side, made a link on the other",
        Kind.TYPE,
        "f",
        base={"f": A},
        parent={"f": AP},
        child={"f": ("l", "target")},
        parent_wins={"f": AP},
        child_wins={"f": ("l", "target")},
        union=None,
        command={"f": MERGED},
    ),
    Case(
        "a file and a link, both new",
        Kind.TYPE,
        "f",
        base={},
        parent={"f": "p\n"},
        child={"f": ("l", "target")},
        parent_wins={"f": "p\n"},
        child_wins={"f": ("l", "target")},
        union=None,
        command={"f": MERGED},
    ),
    Case(
        "a file and a submodule, both new",
        Kind.TYPE,
        "f",
        base={},
        parent={"f": "p\n"},
        child={"f": ("s", ONE)},
        parent_wins={"f": "p\n"},
        child_wins={"f": ("s", ONE)},
        union=None,
        command=None,
    ),
    Case(
        "a submodule moved by both sides",
        Kind.SUBMODULE,
        "s",
        base={"s": ("s", ONE)},
        parent={"s": ("s", TWO)},
        child={"s": ("s", THREE)},
        parent_wins={"s": ("s", TWO)},
        child_wins={"s": ("s", THREE)},
        union=None,
        command=None,
    ),
    Case(
        "a submodule added by both sides",
        Kind.SUBMODULE,
        "s",
        base={},
        parent={"s": ("s", TWO)},
        child={"s": ("s", THREE)},
        parent_wins={"s": ("s", TWO)},
        child_wins={"s": ("s", THREE)},
        union=None,
        command=None,
    ),
    Case(
        "a submodule moved and deleted",
        Kind.SUBMODULE,
        "s",
        base={"s": ("s", ONE)},
        parent={"s": ("s", TWO)},
        child={},
        parent_wins={"s": ("s", TWO)},
        child_wins={},
        union=None,
        command=None,
    ),
    Case(
        "a submodule made a folder",
        Kind.FILE_DIRECTORY,
        "s",
        base={"s": ("s", ONE)},
        parent={"s/x": "p\n"},
        child={"s": ("s", TWO)},
        parent_wins={"s/x": "p\n"},
        child_wins={"s": ("s", TWO)},
        union=None,
        command=None,
    ),
)
