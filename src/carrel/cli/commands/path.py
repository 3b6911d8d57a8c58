"""`carrel path`: print the folder of a workspace."""

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Workspace
from carrel.cli.output import Output

app = group()


@command(app, 'cd "$(carrel path agent-1)"', 'code "$(carrel path agent-1)"')
def path(workspace: Workspace, as_json: Json = False) -> None:
    """Print the folder of a workspace, mounted first if a reboot took it away."""
    from carrel.control import workspaces
    from carrel.control.finding import find_active

    out = Output(as_json=as_json)
    with opened() as ctx:
        found = find_active(ctx, workspace)
        folder = workspaces.path(ctx, found)
    out.document(
        {
            "workspace_id": found.workspace_id,
            "agent_id": found.agent_id,
            "working_directory": folder,
        }
    )
    out.line(folder)
