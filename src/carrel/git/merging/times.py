"""When each side last touched a path: what `newest_file_wins` compares."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from carrel.domain.conflicts import Side
from carrel.domain.records import dataclass
from carrel.git.gateway import Git
from carrel.git.merging.sides import Sides
from carrel.git.objects import Reader

_FEW = 100
"""Up to this many paths git is told which; comparing every commit with more is slower."""


@dataclass(frozen=True, slots=True)
class Times:
    """Committer times (seconds) per side and path; a path that a side left alone is missing."""

    touched: Mapping[Side, Mapping[bytes, int]]

    def newest(self, side: Side, paths: Collection[bytes]) -> int | None:
        """Return when a side last touched any of the paths."""
        touched = self.touched[side]
        return max((touched[path] for path in paths if path in touched), default=None)

    def newest_below(self, side: Side, folders: Collection[bytes]) -> int | None:
        """Return when a side last touched anything in one of the folders (`b""` is the root)."""
        prefixes = tuple(folder + b"/" if folder else b"" for folder in folders)
        times = (time for path, time in self.touched[side].items() if path.startswith(prefixes))
        return max(times, default=None)


def read_times(
    git: Git, parent: str, child: str, paths: Collection[bytes], folders: Collection[bytes]
) -> Times:
    """Read when each side last touched some paths since the two parted.

    A deletion counts at the commit that deleted. In a merge commit only what differs from all
    its parents counts: that is what was decided there.

    Args:
        git: The store.
        parent: Commit.
        child: Commit.
        paths: Which paths to read.
        folders: Folders (without a slash at the end) in which everything is read.
    """
    wanted = [*paths, *(folder or b"." for folder in folders)]
    if len(wanted) > _FEW or b"." in wanted:
        wanted = []
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(_touched, git, child, parent, wanted)
        of_parent = _touched(git, parent, child, wanted)
        return Times({Side.PARENT: of_parent, Side.CHILD: waiting.result()})


def times_of_single_commits(
    reader: Reader, tips: Mapping[Side, str], base: str, sides: Sides
) -> Times | None:
    """Return the times without reading any history, if each side is one commit on the base."""
    touched: dict[Side, Mapping[bytes, int]] = {}
    for side, tip in tips.items():
        commit = reader.commit(tip)
        if commit.parents != (base,):
            return None
        changed = (path for path, triple in sides.triples.items() if triple.changed(side))
        touched[side] = dict.fromkeys(changed, commit.time)
    return Times(touched)


def _touched(git: Git, tip: str, without: str, paths: list[bytes]) -> dict[bytes, int]:
    out = git.run(
        "log",
        "-z",
        "-c",
        "--full-history",
        "--raw",
        "--no-renames",
        "--format=%x01%ct",
        tip,
        f"^{without}",
        "--",
        *paths,
    ).out
    touched: dict[bytes, int] = {}
    time = 0
    fields = iter(out.split(b"\0"))
    for field in fields:
        if field.startswith(b"\x01"):
            time = int(field[1:])
        elif field:  # modes and ids, then the path, which may begin with anything
            path = next(fields)
            touched[path] = max(time, touched.get(path, 0))
    return touched
