"""`carrel projects`: list the registered repositories, or take one off the list."""

from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.table import Cell, Column
from carrel.cli.wording import shown

app = group(
    "List the registered repositories, or take one off the list.",
    "carrel projects",
    "carrel projects --json",
    "carrel projects rm site --dry-run",
    alone=True,
)


@app.callback()
def projects(ctx: typer.Context, as_json: Json = False) -> None:
    """List the registered repositories, or take one off the list."""
    if ctx.invoked_subcommand is not None:
        return
    from carrel.control import projects as control

    out = Output(as_json=as_json)
    with opened() as carrel:
        found = control.listing(carrel)
    out.document({"projects": [record(project) for project in found]})
    if not found:
        out.line("No project is registered yet. Register one with 'carrel init PATH|URL'.")
        return
    out.table(
        [Column("PROJECT"), Column("BRANCH"), Column("KIND"), Column("SOURCE", shrinks=True)],
        [
            [
                Cell(project.name, out.style.bold),
                Cell(project.default_branch),
                Cell(str(project.kind)),
                Cell(shown(project.source)),
            ]
            for project in found
        ],
    )


@command(app, "carrel projects rm site --dry-run", "carrel projects rm site", name="rm")
def rm(
    project: Annotated[
        str, typer.Argument(metavar="NAME", help="The project's name or id.", show_default=False)
    ],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take a project off the list. The repository itself is not touched.

    Refused while workspaces of it are open or in the trash. Checked-out commits are deleted;
    its history and the last states of removed workspaces stay in the folder that is named.
    """
    from carrel.control.unregistering import unregister

    out = Output(as_json=as_json)
    with opened() as ctx, out.working(f"Taking {shown(project)} off the list"):
        done = unregister(ctx, project, dry_run=dry_run)
    out.document(
        {
            "dry_run": dry_run,
            "project": record(done.project),
            "kept_in": done.kept_in or None,
            "kept_bytes": done.kept_bytes,
            "bytes_freed": done.bytes_freed,
        }
    )
    style, name = out.style, out.style.bold(done.project.name)
    freed = f"{done.bytes_freed / 1e6:,.1f} MB"
    if dry_run:
        out.line(f"{name} would be taken off the list, {freed} freed.")
    else:
        out.line(f"{style.green('✓')} {name} is no longer on the list, {freed} freed.")
    out.line(f"  Untouched: {shown(done.project.source)}")
    if done.kept_in:
        out.line(
            f"  {'Would stay' if dry_run else 'Kept'}: {shown(done.kept_in)} "
            f"({done.kept_bytes / 1e6:,.1f} MB)"
        )
        out.line("  It holds the last states of removed workspaces; delete it when none is needed.")
