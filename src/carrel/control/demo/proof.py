"""The proof of the demonstration: every line that somebody wrote is still somewhere."""

from collections.abc import Iterable, Sequence

from carrel.control.demo.acts import Worked
from carrel.domain.conflicts import Settlement
from carrel.domain.records import dataclass
from carrel.domain.results import MergeResult
from carrel.git.gateway import Git


@dataclass(frozen=True, slots=True)
class Proof:
    """Where the agents' lines are.

    Attributes:
        written: Lines that the agents wrote, blank ones left out.
        merged: Those of them that the target has.
        kept: Those that lost, and are kept under a reference.
        lost: Those that are nowhere; none, or Carrel is broken.
    """

    written: int
    merged: int
    kept: int
    lost: tuple[str, ...]


def prove(
    vault: Git,
    target: Git,
    start: str,
    worked: Sequence[Worked],
    results: Sequence[MergeResult],
) -> Proof:
    """Look for every line that an agent added since the start.

    Args:
        vault: Holds what the agents made.
        target: The repository in which the merges landed.
        start: The commit that everybody started at.
        worked: The agents.
        results: Their merges, in order.
    """
    merged = set(_added(target, start, results[-1].commit_sha))
    settled = [one for result in results for one in result.settlements]
    kept = {line for one in settled for line in _losing(vault, one)}
    written = [line for one in worked for line in _added(vault, start, one.workspace.head_commit)]
    elsewhere = [line for line in written if line not in merged]
    lost = tuple(line for line in elsewhere if line not in kept)
    return Proof(
        written=len(written),
        merged=len(written) - len(elsewhere),
        kept=len(elsewhere) - len(lost),
        lost=lost,
    )


def a_loser(vault: Git, results: Sequence[MergeResult]) -> tuple[str, str] | None:
    """Return where git finds a version that lost (`reference:path`), and its text."""
    for result in results:
        for settlement in result.settlements:
            if settlement.winner is not None and settlement.losing:
                where = f"{settlement.kept_ref}:{settlement.losing[0].path}"
                return where, vault.text("show", where)
    return None


def _losing(vault: Git, settlement: Settlement) -> Iterable[str]:
    for version in settlement.losing:
        shown = vault.run("show", f"{settlement.kept_ref}:{version.path}", ok=(0, 128))
        yield from _lines(shown.out.decode(errors="replace"))


def _added(git: Git, old: str, new: str) -> list[str]:
    plain = ("--no-color", "--no-ext-diff", "--no-textconv")
    diff = git.text("diff", "--unified=0", "--find-renames", *plain, old, new)
    added = [
        line[1:]
        for line in diff.splitlines()
        if line.startswith("+") and not line.startswith("+++ ")
    ]
    return list(_lines("\n".join(added)))


def _lines(text: str) -> Iterable[str]:
    return (line.rstrip() for line in text.splitlines() if line.strip())
