"""Names of workspaces, their branches and their references."""

import re
from collections.abc import Callable

from carrel.errors import BadInputError, RefusedError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

BRANCH_PREFIX = "carrel/"
_MOST_BRANCHES = 10_000


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

    Where a branch `carrel` leaves no room for others below it, it is `carrel-NAME`.

    Args:
        name: A checked name.
        taken: Tells whether a branch can't have that name: it exists (case does not count), or
            one that exists is in its way.

    Raises:
        RefusedError: `branches_taken`.
    """
    # No workspace ever gets the number 0: if that is taken, so is everything below `carrel/`.
    roomy = not taken(f"{BRANCH_PREFIX}{name}-0")
    first = (BRANCH_PREFIX if roomy else BRANCH_PREFIX.replace("/", "-")) + name
    for number in range(1, _MOST_BRANCHES + 1):
        branch = first if number == 1 else f"{first}-{number}"
        if not taken(branch):
            return branch
    raise RefusedError(
        "branches_taken",
        f"No branch like {first!r} is free.",
        why=f"{_MOST_BRANCHES} names were tried.",
        cure="Delete old branches of that name, or choose another name.",
    )
