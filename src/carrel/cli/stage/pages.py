"""What the demonstration shows when an act is over."""

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from carrel.cli.table import cut
from carrel.cli.wording import count, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carrel.control.demo.acts import Worked
    from carrel.control.demo.proof import Proof
    from carrel.domain.conflicts import Settlement
    from carrel.domain.results import MergeResult
    from carrel.git.merging.predict import Prediction

_MOST_LINES = 4


def heading(text: str) -> Text:
    """Return the title of an act."""
    return Text(f"\n{text}", "bold")


def checked(text: str, *, ok: bool = True) -> Text:
    """Return a line with a mark."""
    return Text.assemble(("✓ ", "green") if ok else ("✗ ", "red"), text)


def noted(text: str) -> Text:
    """Return a line that wants a look."""
    return Text.assemble(("! ", "yellow"), text)


def foreseen(found: "Prediction") -> Table:
    """Return the conflicts that were predicted: each file, and who clashes there."""
    clashing: dict[str, set[str]] = {}
    for pair in found.pairs:
        for one in pair.conflicts:
            clashing.setdefault(one.path, set()).update((pair.first, pair.second))
    table = _table("WILL CLASH", "IN")
    for path, names in sorted(clashing.items(), key=lambda item: (-len(item[1]), item[0])):
        table.add_row(", ".join(sorted(names)), Text(shown(path)))
    return table


def settled(merges: "Sequence[tuple[Worked, MergeResult]]", *, room: int) -> Table:
    """Return what was merged, in order, and how each conflict was settled.

    Args:
        merges: Who, and how it ended.
        room: Columns that the reasons may take; 0 leaves them out.
    """
    table = _table("MERGED", "CONFLICT", "KIND", "SETTLED", *(["WHY"] if room else []))
    for worked, result in merges:
        name = worked.agent.name
        if not result.settlements:
            table.add_row(name, Text("none", "green"))
        for at, one in enumerate(result.settlements):
            table.add_row(
                "" if at else name,
                Text(shown(one.path.rpartition("/")[2])),
                str(one.kind),
                Text(_winner(one, name, result.merged_to), "cyan"),
                *([Text(cut(one.reason, room), "dim")] if room else []),
            )
    return table


def _winner(one: "Settlement", child: str, parent: str) -> str:
    if one.winner is None:
        return "both kept" if one.strategy.value == "union" else one.strategy.value
    return f"{child if one.winner.value == 'child' else parent} wins"


def loser(where: str, text: str, *, room: int) -> Text:
    """Return how to see a version that lost, and its first lines.

    Args:
        where: The command that shows it; never cut, since it is there to be copied.
        text: The version.
        room: Columns that its lines may take.
    """
    lines = text.splitlines()
    more = [f"… {count(len(lines) - _MOST_LINES, 'more line')}"] * (len(lines) > _MOST_LINES)
    body = "\n".join(cut(f"  │ {shown(line)}", room) for line in [*lines[:_MOST_LINES], *more])
    command = (("$ ", "dim"), (where, "cyan"), "\n", (body, "dim"))
    return Text.assemble(*command, no_wrap=True, overflow="ignore")


def found(proof: "Proof") -> Text:
    """Return where the agents' lines are."""
    return checked(
        f"{count(proof.written, 'line')} written: {proof.merged} merged, {proof.kept} kept "
        f"under references, {len(proof.lost)} lost",
        ok=not proof.lost,
    )


def left_standing(folder: str, repository: str, names: "Sequence[str]") -> list[Text]:
    """Return how to look around in what was kept, and how to clean it up."""
    lines = {
        "look around": f"export CARREL_HOME={folder}/home; carrel ls",
        "see main": f"git --git-dir={repository} log --graph --oneline main",
        "clean up": f"for name in {' '.join(names)}; do carrel rm $name; done; rm -r {folder}",
    }
    told = [
        Text.assemble(f"  {title:<12} ", (line, "cyan"), no_wrap=True, overflow="ignore")
        for title, line in lines.items()
    ]
    return [heading("Everything is left standing"), *told]


def next_steps() -> Table:
    """Return the commands to try next."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    table.add_row("  carrel init .", "register the repository you are in")
    table.add_row("  carrel new agent-1", "make a workspace in it")
    table.add_row("  carrel shell agent-1", "work there; 'carrel merge agent-1' brings it home")
    table.add_row("  carrel simulate coder", "a fleet to rehearse on; then 'carrel fleet ls'")
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in titles:
        last = title == titles[-1]
        table.add_column(title, no_wrap=True, overflow="ellipsis", ratio=1 if last else None)
    return table
