"""The words in which conflicts are written down.

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


KEEP: Tree = {"keep": "kept\n"}
