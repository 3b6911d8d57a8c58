"""`carrel rm`: remove a workspace."""

from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import DryRun, Json, Workspace
from carrel.cli.output import Output
from carrel.cli.wording import shown

app = group()


@command(
    app,
    "carrel rm agent-1                   its branch stays, with its last state",
    "carrel rm agent-1 --no-keep-branch  refused unless its work is merged",
    "carrel rm agent-1 --no-keep-branch --discard",
    "carrel rm agent-1 --dry-run",
)
def rm(
    workspace: Workspace,
    no_keep_branch: Annotated[
        bool, typer.Option("--no-keep-branch", help="Keep no branch; the work must be merged.")
    ] = False,
    discard: Annotated[
        bool,
        typer.Option(
            "--discard",
            help="What is saved nowhere may go, and with --no-keep-branch unmerged work.",
        ),
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove a workspace. Its last state is saved first, in any case.

    It goes to the trash, from where 'carrel trash restore' brings it back for a while.
    """
    from carrel.control import cleanup
    from carrel.control.finding import find

    out = Output(as_json=as_json)
    with opened() as ctx, out.working(f"Removing {workspace}"):
        removal = cleanup.remove(
            ctx,
            find(ctx, workspace),
            preserve_branch=not no_keep_branch,
            discard=discard,
            dry_run=dry_run,
        )
    out.document({**removal.as_mapping(), "dry_run": dry_run})
    style, name = out.style, removal.workspace.agent_id
    freed = f"{removal.bytes_freed / 1e6:,.1f} MB"
    out.line(
        f"{style.bold(name)} would be removed, {freed} freed."
        if dry_run
        else f"{style.green('✓')} {style.bold(name)} is removed, {freed} freed."
    )
    if removal.merged:
        out.line(f"  Its work is merged: {removal.merged}.")
    if removal.branch_preserved:
        out.line(f"  Its branch {'would stay' if dry_run else 'stays'}: {removal.branch_name}")
    for path, reason in removal.unsaved:
        out.line(f"  {style.yellow('not saved')} {shown(path)}: {reason}")
    if not dry_run:
        out.line(f"  To take it back: {style.cyan(f'carrel trash restore {name}')}")
