"""Who was warned of a stop, and who could not be, as a person reads it."""

from typing import TYPE_CHECKING

from carrel.cli.fleets.paragraphs import paragraph
from carrel.cli.output import Output
from carrel.cli.wording import count, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carrel.domain.governance.plans import Plan
    from carrel.domain.governance.warnings import Warned

_FEW = 4


def show_warned(out: Output, plan: "Plan", warned: "Sequence[Warned]") -> None:
    """Print how many stops their owners were told of, and what could not be delivered."""
    style = out.style
    told = [one for one in warned if one.delivery == "sent"]
    if told:
        people = len({one.owner_id for one in told})
        where = ", ".join(sorted({one.recipient for one in told}))
        text = f"Told {count(people, 'owner')} of {count(len(told), 'stop')} ({shown(where)})."
        paragraph(out, f"{style.green('✉')} ", text)
    covered = sum(one.delivery == "covered" for one in warned)
    if covered:
        out.line(f"{style.dim('-')} Coder itself has told of {count(covered, 'stop')}.")
    names = {one.workspace_id: one.workspace for one in plan.actions}
    failed: dict[str, list[str]] = {}
    for one in warned:
        if one.delivery == "failed":
            failed.setdefault(one.why, []).append(names.get(one.workspace_id, one.workspace_id))
    for why, mine in failed.items():
        more = f" and {len(mine) - _FEW:,} more" if len(mine) > _FEW else ""
        head = f"{style.yellow('!')} {style.bold(shown(', '.join(mine[:_FEW])))}{more}: "
        paragraph(out, head, f"The owner could not be told, so it goes on. {shown(why)}", indent=2)
