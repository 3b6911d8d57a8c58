"""Names of workspaces, their branches and their references."""

import re
from collections.abc import Callable

from carrel.errors import BadInputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

BRANCH_PREFIX = "carrel/"


def checked_name(name: object) -> str:
    """Return `name` if it can name a workspace, an agent or a project.

    Letters, digits, `.`, `_` and `-`, at most 100, starting with a letter or digit, and
    nothing that git refuses in a reference (`..`, a final `.` or `.lock`).

    Raises:
        BadInputError: `bad_name`.
    """
    if (
        isinstance(name, str)
        and _NAME.fullmatch(name)
        and ".." not in name
        and not name.lower().endswith((".", ".lock"))
    ):
        return name
    raise BadInputError(
        "bad_name",
        f"{name!r} can't be the name of a workspace.",
        why="A name is text of 1 to 100 letters, digits, dots, underscores or hyphens, begins with "
        "a letter or digit, and has no '..', no final '.' and no final '.lock'.",
        cure="Choose another name, such as 'agent-1'.",
    )


def folded(name: str) -> str:
    """Return the form of `name` by which names are unique: case does not count."""
    return name.casefold()


def branch_for(name: str, taken: Callable[[str], bool] = lambda _: False) -> str:
    """Return the branch of a new workspace: `carrel/NAME`, or `carrel/NAME-2` and so on.

    Args:
        name: A checked name.
        taken: Tells whether a branch of that name exists (case does not count).
    """
    branch, number = BRANCH_PREFIX + name, 1
    while taken(branch):
        number += 1
        branch = f"{BRANCH_PREFIX}{name}-{number}"
    return branch
