"""The version of the installed git."""

import re

from carrel.errors import FailedError
from carrel.git.gateway import closed_environment
from carrel.system.processes import run

LEAST = (2, 39)
"""`merge-tree --write-tree` came with 2.38, its batch mode with 2.39."""


def installed() -> tuple[int, ...]:
    """Return the version of git, such as (2, 39, 5).

    Raises:
        FailedError: `program_missing` or `git_unknown`.
    """
    words = run(["git", "version"], env=closed_environment()).out.decode(errors="replace")
    found = re.search(r"(\d+(?:\.\d+)+)", words)
    if found is None:
        raise FailedError("git_unknown", f"git says of itself: {words!r}.", cure="Install git.")
    return tuple(int(part) for part in found[1].split("."))
