"""`carrel ls`: list the workspaces."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, cast

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Project
from carrel.cli.output import Output
from carrel.cli.style import Style
from carrel.cli.table import Cell, Column
from carrel.cli.wording import moment, zone_name

if TYPE_CHECKING:
    from carrel.control.context import Context

app = group()


@command(
    app,
    "carrel ls",
    "carrel ls --all                                  the trash and the past too",
    "carrel ls --json | jq -r '.workspaces[].branch_name'",
)
def ls(
    everything: Annotated[
        bool, typer.Option("--all", help="Every project, and also what was removed.")
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List the open workspaces of a project (of all, where none is meant), oldest first."""
    from carrel.control import workspaces

    out = Output(as_json=as_json)
    with opened() as ctx:
        project_id = None if everything and not project else _meant(ctx, project)
        found = workspaces.listing(ctx, project_id=project_id, everything=everything)
        shapes = [workspaces.view(ctx, one) for one in found]
    out.document({"workspaces": shapes})
    if shapes:
        show_workspaces(out, shapes)
    else:
        out.line("No workspace is open. Make one with 'carrel new NAME'.")


def show_workspaces(out: Output, shapes: Sequence[dict[str, object]]) -> None:
    """Print workspaces as a table."""
    zone = zone_name(str(shapes[0]["updated_at"]))
    columns = [
        Column("WORKSPACE", shrinks=True),
        Column("STATE"),
        Column("BRANCH", shrinks=True),
        Column("PROJECT", shrinks=True),
        Column("DRIVER"),
        Column("SAVED", right=True),
        Column(f"USED ({zone})"),
        Column("HELD BY", shrinks=True),
    ]
    out.table(columns, [_row(out.style, shape) for shape in shapes])


def _row(style: Style, shape: dict[str, object]) -> list[Cell]:
    lease = cast("dict[str, object] | None", shape["lease"])
    holder = str(lease["holder"]) if lease else ""
    state = state_of(shape)
    paints = {"active": style.green, "merged": style.blue, "failed": style.red}
    return [
        Cell(str(shape["agent_id"]), style.bold),
        Cell(state, paints.get(state, style.yellow)),
        Cell(str(shape["branch_name"])),
        Cell(str(shape["project"])),
        Cell(str(shape["driver"])),
        Cell(str(shape["checkpoints"])),
        Cell(moment(str(shape["updated_at"]), zone=False)),
        Cell(holder),
    ]


def state_of(shape: dict[str, object]) -> str:
    """Return the one word that says most: the outcome of a live workspace, else its state."""
    state, outcome = str(shape["state"]), str(shape["outcome"])
    return outcome if state == "active" and outcome != "open" else state


def _meant(ctx: "Context", project: str | None) -> str | None:
    from carrel.control import projects
    from carrel.errors import CarrelError
    from carrel.system import identity

    try:
        return projects.find(ctx, project, cwd=identity.folder()).project_id
    except CarrelError as error:
        if project is None and error.code in ("no_project", "which_project"):
            return None
        raise
