"""Which paths each workspace changed since it left the target, and whether two can clash."""

from collections.abc import Iterable, Mapping, Sequence

from carrel.domain.records import dataclass
from carrel.git.gateway import Git
from carrel.git.merging.mergetree import merge_bases


@dataclass(frozen=True, slots=True)
class Touched:
    """What one workspace changed.

    Attributes:
        paths: Every path that differs, old and new names alike.
        above: All folders above them.
        left: Folders above paths that went: one of them may have been renamed.
        entered: Folders above paths that came.
    """

    paths: frozenset[bytes]
    above: frozenset[bytes]
    left: frozenset[bytes]
    entered: frozenset[bytes]

    def concerns(self, paths: Iterable[str]) -> bool:
        """Whether one of the paths, or a folder of it, was touched."""
        for path in paths:
            name = path.encode(errors="surrogateescape")
            if (
                name in self.paths
                or name in self.above
                or any(folder in self.paths or folder in self.left for folder in _above(name))
            ):
                return True
        return False


def meet(one: Touched, other: Touched) -> bool:
    """Whether a merge of the two could conflict at all."""
    return not (
        one.paths.isdisjoint(other.paths)
        and one.paths.isdisjoint(other.above)  # a file here, a folder there
        and other.paths.isdisjoint(one.above)
        and (not one.entered or one.left.isdisjoint(other.entered))  # into a renamed folder
        and (not other.entered or other.left.isdisjoint(one.entered))
    )


def read_touched(git: Git, tips: Mapping[str, str], target: str) -> dict[str, Touched]:
    """Read what each tip changed since its history left the target's.

    Tips without a common history are missing in the answer.
    """
    bases = _bases(git, list(tips.values()), target)
    related = {name: tip for name, tip in tips.items() if bases.get(tip)}
    asked = [(base, tip) for tip in dict.fromkeys(related.values()) for base in bases[tip]]
    known = {tip: _touched(found) for tip, found in _changes(git, asked).items()}
    return {name: known[tip] for name, tip in related.items()}


def _touched(changes: Mapping[bytes, bytes]) -> Touched:
    gone = [path for path, status in changes.items() if status == b"D"]
    came = [path for path, status in changes.items() if status == b"A"]
    return Touched(
        paths=frozenset(changes),
        above=_folders(changes),
        left=_folders(gone) if came else frozenset(),
        entered=_folders(came),
    )


def _folders(paths: Iterable[bytes]) -> frozenset[bytes]:
    return frozenset(folder for path in paths for folder in _above(path))


def _above(path: bytes) -> Iterable[bytes]:
    while path := path.rpartition(b"/")[0]:
        yield path


def _changes(git: Git, pairs: Sequence[tuple[str, str]]) -> dict[str, dict[bytes, bytes]]:
    """Compare (base, tip) pairs in one process; status letter by path for each tip."""
    found: dict[str, dict[bytes, bytes]] = {tip: {} for _, tip in pairs}
    if not pairs:
        return found
    # A commit followed by another is compared with that one as if it were its parent.
    asked = "".join(f"{tip} {base}\n" for base, tip in pairs)
    out = git.run(
        "diff-tree", "--stdin", "-r", "-z", "--no-renames", "--name-status", stdin=asked.encode()
    ).out
    changes: dict[bytes, bytes] = {}
    fields = iter(out.split(b"\0"))
    for field in fields:
        if len(field) > 1:
            changes = found[field.decode()]
        elif field:
            changes[next(fields)] = field
    return found


def _bases(git: Git, tips: Sequence[str], target: str) -> dict[str, set[str]]:
    """Find where each tip left the target's history, from one reading of what is young."""
    old = git.run("merge-base", "--octopus", target, *tips, ok=(0, 1)).out.decode().split()
    if not old:
        return {tip: set(merge_bases(git, target, tip)) for tip in dict.fromkeys(tips)}
    out = git.text(
        "rev-list", "--parents", "--boundary", target, *tips, *(f"^{one}" for one in old)
    )
    parents: dict[str, list[str]] = {}
    for line in out.splitlines():
        commit, *above = line.lstrip("-").split()
        parents[commit] = [] if line.startswith("-") else above
    common = _reach(parents, target, set()) | set(old)
    return {
        tip: {commit for commit in _reach(parents, tip, common) if commit in common}
        for tip in dict.fromkeys(tips)
    }


def _reach(parents: Mapping[str, list[str]], start: str, stop: set[str]) -> set[str]:
    """Return what is reached from a commit; `stop` is reached and not passed."""
    seen, waiting = {start}, [start]
    while waiting:
        commit = waiting.pop()
        if commit in stop:
            continue
        for parent in parents.get(commit, ()):
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return seen
