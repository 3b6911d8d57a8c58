"""Run `git merge-tree` and read its answer exactly.

Format: OUTPUT in git-merge-tree(1), NUL-terminated. The exit code alone tells clean from
conflicted; an empty list of files does not (a split folder conflicts without any).
"""

from collections.abc import Iterator, Sequence

from carrel.domain.records import dataclass
from carrel.errors import BadInputError, FailedError
from carrel.git.gateway import Git


@dataclass(frozen=True, slots=True)
class Stage:
    """What git calls a higher-order stage: 1 base, 2 parent, 3 child."""

    mode: int
    oid: str
    stage: int
    path: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One thing git says about some paths; `kind` is its stable name."""

    paths: tuple[bytes, ...]
    kind: str

    @property
    def conflict(self) -> bool:
        """Whether it tells of a conflict, not of something that went well."""
        return self.kind.startswith("CONFLICT")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A merge by git: its tree (with markers in it where it is not clean) and what clashed."""

    clean: bool
    tree: str
    stages: tuple[Stage, ...] = ()
    messages: tuple[Message, ...] = ()


def merge_tree(git: Git, parent: str, child: str, *options: str) -> Outcome:
    """Merge two commits, without any checkout.

    Args:
        git: The store.
        parent: Object id of the side that is merged into.
        child: Object id of the side that is merged.
        *options: Further options of git itself, such as `-c` and a setting.

    Raises:
        BadInputError: `unrelated_histories`.
        FailedError: `git_failed`, `merge_unreadable`.
    """
    try:
        done = git.run(*options, "merge-tree", "--write-tree", "-z", parent, child, ok=(0, 1))
    except FailedError:
        if not merge_bases(git, parent, child):
            raise unrelated(parent, child) from None
        raise
    fields = iter(done.out.split(b"\0"))
    outcome = _outcome(fields, clean=done.code == 0)
    if outcome is None:  # exit code 1 without a tree: one of the two is no commit
        raise _unreadable(git)
    return outcome


def merge_trees(git: Git, pairs: Sequence[tuple[str, str]]) -> list[Outcome]:
    """Merge many pairs in one process; it answers when all were asked.

    Raises:
        FailedError: `git_failed`, `merge_unreadable`.
    """
    if not pairs:
        return []
    asked = "".join(f"{parent} {child}\n" for parent, child in pairs)
    done = git.run("merge-tree", "--write-tree", "--stdin", stdin=asked.encode())
    fields = iter(done.out.split(b"\0"))
    outcomes: list[Outcome] = []
    for _ in pairs:
        state = next(fields, b"").rpartition(b"\n")[2]  # advice on submodules may stand before it
        outcome = _outcome(fields, clean=state == b"1")
        if outcome is None or state not in (b"0", b"1"):
            raise _unreadable(git)
        outcomes.append(outcome)
    return outcomes


def merge_bases(git: Git, one: str, other: str) -> tuple[str, ...]:
    """Return all best common ancestors; empty for unrelated histories."""
    out = git.run("merge-base", "--all", one, other, ok=(0, 1)).out
    return tuple(out.decode().split())


def common_base(git: Git, parent: str, child: str) -> str:
    """Return the commit that both sides are compared with.

    Where histories cross and several common ancestors are equally good, these are merged
    first, conflicts included, as git does.

    Raises:
        BadInputError: `unrelated_histories`.
    """
    bases = merge_bases(git, parent, child)
    if not bases:
        raise unrelated(parent, child)
    base = bases[0]
    for other in bases[1:]:
        tree = merge_tree(git, base, other).tree
        base = git.text("commit-tree", tree, "-p", base, "-p", other, stdin=b"common base\n")
    return base


def is_ancestor(git: Git, old: str, new: str) -> bool:
    """Tell whether `new` contains `old`."""
    return git.run("merge-base", "--is-ancestor", old, new, ok=(0, 1)).code == 0


def unrelated(parent: str, child: str) -> BadInputError:
    """Return the error for two histories without a common commit."""
    return BadInputError(
        "unrelated_histories",
        f"{child[:12]} and {parent[:12]} share no history, so they can't be merged.",
        why="There is no commit that both grew from.",
        cure="Rebase the workspace's commits onto the target branch, or copy its files there.",
    )


def _outcome(fields: Iterator[bytes], *, clean: bool) -> Outcome | None:
    tree = next(fields, b"").decode(errors="replace")
    if len(tree) not in (40, 64):
        return None
    stages = tuple(_stages(fields)) if not clean else ()
    messages = tuple(_messages(fields))
    return Outcome(clean, tree, stages, messages)


def _stages(fields: Iterator[bytes]) -> Iterator[Stage]:
    for field in fields:
        if not field:
            return
        about, _, path = field.partition(b"\t")
        mode, oid, stage = about.split(b" ")
        yield Stage(int(mode, 8), oid.decode(), int(stage), path)


def _messages(fields: Iterator[bytes]) -> Iterator[Message]:
    for count in fields:
        if not count.isdigit():  # the end; or free text, which only ends the answer
            return
        paths = tuple(next(fields, b"") for _ in range(int(count)))
        kind = next(fields, b"").decode(errors="replace")
        next(fields, None)  # the sentence for people
        yield Message(paths, kind)


def _unreadable(git: Git) -> FailedError:
    return FailedError(
        "merge_unreadable",
        f"git merge-tree gave an answer in {git.git_dir} that makes no sense.",
        cure="Check that both commits exist; 'carrel doctor' checks git's version and the store.",
    )
