"""`carrel checkpoint`: save the whole state of a workspace."""

from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Workspace
from carrel.cli.output import Output
from carrel.cli.saved import commit_document
from carrel.cli.wording import brief, count, shown

app = group()


@command(
    app,
    "carrel checkpoint agent-1",
    'carrel checkpoint agent-1 -m "Before the big rename"',
    "carrel checkpoint agent-1 --iteration 3      once; again gives the same answer",
)
def checkpoint(
    workspace: Workspace,
    iteration: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Number of a validation; recorded only once.", show_default=False
        ),
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="What to call it.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Save the whole state of a workspace as a commit: new files too, ignored ones not.

    Nothing of the occupant's is touched: not the index, HEAD, hooks or identity.
    """
    from carrel.control import checkpoints
    from carrel.control.finding import find_active
    from carrel.git.capturing.flatten import stored

    out = Output(as_json=as_json)
    with opened() as ctx, out.working(f"Saving {workspace}"):
        found = find_active(ctx, workspace)
        made = checkpoints.checkpoint(ctx, found, iteration=iteration, message=message)
    out.document(commit_document(made))
    style = out.style
    what = "nothing had changed" if made.empty else count(made.files_changed, "file") + " changed"
    out.line(f"{style.green('✓')} Saved as {style.cyan(brief(made.commit_sha))}: {what}.")
    for path, reason in made.skipped:
        word = "noted" if stored(reason) else "left out"
        out.line(f"  {style.yellow(word)} {shown(path)}: {reason}")
