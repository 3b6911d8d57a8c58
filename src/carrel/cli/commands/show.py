"""`carrel show`: show one workspace."""

from typing import cast

from carrel.cli.commands.ls import state_of
from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Workspace
from carrel.cli.output import Output
from carrel.cli.wording import brief, moment, shown

app = group()


@command(app, "carrel show agent-1", "carrel show agent-1 --json")
def show(workspace: Workspace, as_json: Json = False) -> None:
    """Show where a workspace is, what it stands on, and who is in it."""
    from carrel.control import workspaces
    from carrel.control.finding import find
    from carrel.domain.workspaces import State

    out = Output(as_json=as_json)
    with opened() as ctx:
        shape = workspaces.view(ctx, find(ctx, workspace, states=frozenset(State)))
    out.document(shape)
    show_workspace(out, shape)


def show_workspace(out: Output, shape: dict[str, object]) -> None:
    """Print a workspace, a fact a line."""
    lease = cast("dict[str, object] | None", shape["lease"])
    held = f"{lease['holder']} since {moment(str(lease['since']))}" if lease else "nobody"
    folder = shape["working_directory"]
    facts = {
        "state": state_of(shape),
        "project": shape["project"],
        "folder": shown(str(folder)) if folder else "seen inside only ('carrel shell')",
        "branch": shape["branch_name"],
        "started from": f"{shape['start_ref']} ({brief(str(shape['parent_commit']))})",
        "parent": shape["parent_id"] or "none",
        "merges into": shape["target_branch"],
        "merged to": shape["merged_to"] or "not yet",
        "saved": f"{shape['checkpoints']} checkpoints, now {brief(str(shape['head_commit']))}",
        "driver": f"{shape['driver']}{'' if shape['presented'] else ' (not mounted now)'}",
        "held by": held,
        "made": moment(str(shape["created_at"])),
        "used": moment(str(shape["updated_at"])),
    }
    out.line(
        f"{out.style.bold(str(shape['agent_id']))}  {out.style.dim(str(shape['workspace_id']))}"
    )
    for name, value in facts.items():
        out.line(f"  {out.style.dim(f'{name:<13}')} {value}")
