"""Which files of a workspace are just as a filter wrote them, so that nobody cleans them again.

Such a file differs from what git stores, so every checkpoint would have to read it and ask its
filter. It is known again by its status on disk. The record is written once, before anybody has
been told where the workspace is: no edit can be older than it.
"""

import json
import os
import stat
from collections.abc import Mapping

from carrel.domain.records import dataclass

_FILE = "smudged.json"


@dataclass(frozen=True, slots=True)
class Smudged:
    """One file as a filter wrote it.

    Attributes:
        oid: What git stores for it.
        signature: Size, times and inode that it had.
    """

    oid: str
    signature: tuple[int, ...]

    def stands(self, status: os.stat_result | None) -> bool:
        """Tell whether this very file is still there, untouched."""
        return status is not None and signature(status) == self.signature


def signature(status: os.stat_result) -> tuple[int, ...]:
    """Return what changes with any write to a file; a changed mode changes its times, too."""
    kind = stat.S_IFMT(status.st_mode)
    return kind, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def note(home: str, files: Mapping[bytes, Smudged]) -> None:
    """Write the record of a workspace, whose files are smudged from now on."""
    told = {os.fsdecode(path): [one.oid, *one.signature] for path, one in files.items()}
    with open(f"{home}/{_FILE}.new", "w", encoding="ascii") as file:
        json.dump(told, file)
    os.rename(f"{home}/{_FILE}.new", f"{home}/{_FILE}")


def noted(home: str) -> dict[bytes, Smudged] | None:
    """Return the record of a workspace; None when its files were left as git stores them."""
    try:
        with open(f"{home}/{_FILE}", encoding="ascii") as file:
            told: dict[str, list[str | int]] = json.load(file)
    except FileNotFoundError:
        return None
    return {
        os.fsencode(path): Smudged(str(oid), tuple(int(part) for part in parts))
        for path, (oid, *parts) in told.items()
    }
