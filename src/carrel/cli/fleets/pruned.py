"""What runs in its owner's quiet hours: as a person reads it, and as documents."""

from typing import TYPE_CHECKING

from carrel.cli.fleets.paragraphs import paragraph
from carrel.cli.output import Output
from carrel.cli.table import Cell, Column
from carrel.cli.wording import count, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carrel.control.fleet.pruning import Prunable

_WORDS = {"prune": "prune", "active": "in use", "kept": "kept"}


def prunable_documents(found: "Sequence[Prunable]") -> list[dict[str, object]]:
    """Return what runs within its owner's quiet hours."""
    return [
        {
            "workspace": one.workspace.full_name,
            "workspace_id": one.workspace.workspace_id,
            "owner": one.workspace.owner,
            "organization": one.workspace.organization,
            "template": one.workspace.template,
            "running_since": one.workspace.on_since,
            "standing": one.standing,
            "reason": one.reason,
            "until": one.until,
        }
        for one in found
    ]


def show_prunable(out: Output, found: "Sequence[Prunable]") -> None:
    """Print what runs within its owner's quiet hours, and why some of it is left alone."""
    style = out.style
    if not found:
        out.line(f"{style.green('✓')} Nothing that fits runs within its owner's quiet hours.")
        return
    paints = {"prune": style.red, "active": style.yellow, "kept": style.dim}
    columns = [
        Column("WHY", right=True),
        Column("WORKSPACE", shrinks=True),
        Column("TEMPLATE", shrinks=True),
        Column("ORGANIZATION", shrinks=True),
        Column("STANDING"),
    ]
    reasons: dict[str, int] = {}
    out.table(columns, [
        [
            Cell(str(reasons.setdefault(one.reason, len(reasons) + 1)), style.dim),
            Cell(shown(one.workspace.full_name), style.bold),
            Cell(shown(one.workspace.template)),
            Cell(shown(one.workspace.organization)),
            Cell(_WORDS[one.standing], paints[one.standing]),
        ]
        for one in found
    ])  # fmt: skip
    for reason, number in reasons.items():
        paragraph(out, f"{style.dim(f'{number:>3}')}  ", shown(reason))
    doomed = sum(one.standing == "prune" for one in found)
    out.line()
    verb = "runs" if len(found) == 1 else "run"
    out.line(
        f"{count(len(found), 'workspace')} {verb} within quiet hours, "
        f"{style.bold(str(doomed))} of them to be pruned."
    )
