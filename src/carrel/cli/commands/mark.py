"""`carrel mark`: say what became of the work."""

from enum import StrEnum
from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Workspace
from carrel.cli.output import Output

app = group()


class Mark(StrEnum):
    """What can be said."""

    FAILED = "failed"
    OPEN = "open"


@command(app, "carrel mark agent-1 failed", "carrel mark agent-1 open")
def mark(
    workspace: Workspace,
    outcome: Annotated[
        Mark, typer.Argument(metavar="failed|open", help="What became of it.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Say that the work of a workspace failed, or is open again; clean-up looks at it."""
    from carrel.control import workspaces
    from carrel.control.finding import find_active
    from carrel.domain.workspaces import Outcome

    out = Output(as_json=as_json)
    with opened() as ctx:
        found = workspaces.mark(ctx, find_active(ctx, workspace), Outcome(outcome.value))
        shape = workspaces.view(ctx, found)
    out.document(shape)
    out.line(f"{out.style.green('✓')} {out.style.bold(found.agent_id)} is marked {outcome.value}.")
