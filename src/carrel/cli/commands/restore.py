"""`carrel restore`: go back to a checkpoint."""

from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Workspace
from carrel.cli.output import Output
from carrel.cli.saved import commit_document
from carrel.cli.wording import brief, count

app = group()


@command(
    app,
    "carrel restore agent-1 2",
    "carrel restore agent-1 iteration:3",
    "carrel restore agent-1 9f3c2ab          a commit, as 'carrel checkpoints' names it",
    "carrel restore agent-1 start",
)
def restore(
    workspace: Workspace,
    which: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT",
            help="Number, iteration:N, start, or the beginning of a commit.",
            show_default=False,
        ),
    ],
    as_json: Json = False,
) -> None:
    """Let the files be as they were at a checkpoint; the present state is saved first.

    Ignored files and the occupant's own branch, HEAD and index stay as they are.
    """
    from carrel.control import checkpoints
    from carrel.control.finding import find_active

    out = Output(as_json=as_json)
    with opened() as ctx, out.working(f"Restoring {workspace}"):
        found = find_active(ctx, workspace)
        done = checkpoints.restore(ctx, found, which)
    out.document(
        {
            "commit_sha": done.commit_sha,
            "files_changed": done.files_changed,
            "saved": commit_document(done.saved),
        }
    )
    style = out.style
    out.line(
        f"{style.green('✓')} {style.bold(found.agent_id)} is at "
        f"{style.cyan(brief(done.commit_sha))} again: "
        f"{count(done.files_changed, 'file')} changed."
    )
    back = f"carrel restore {found.agent_id} {brief(done.saved.commit_sha)}"
    out.line(f"  To take this back: {style.cyan(back)}")
