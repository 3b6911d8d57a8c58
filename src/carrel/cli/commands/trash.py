"""`carrel trash`: look into the trash, take a workspace out of it, or empty it."""

from carrel.cli.commands.ls import show_workspaces
from carrel.cli.declaring import command, group
from carrel.cli.deeds import deeds_document, show_deeds
from carrel.cli.opening import opened
from carrel.cli.options import DryRun, Json, Workspace, Workspaces
from carrel.cli.output import Output
from carrel.cli.wording import shown

app = group(
    "Look into the trash, take a workspace out of it, or empty it.",
    "carrel trash ls",
    "carrel trash restore agent-1",
    "carrel trash empty --dry-run",
)


@command(app, "carrel trash ls", "carrel trash ls --json", name="ls")
def list_trash(as_json: Json = False) -> None:
    """List the removed workspaces that can still be taken back."""
    from carrel.control import cleanup, workspaces

    out = Output(as_json=as_json)
    with opened() as ctx:
        shapes = [workspaces.view(ctx, one) for one in cleanup.trash(ctx)]
    out.document({"workspaces": shapes})
    if shapes:
        show_workspaces(out, shapes)
    else:
        out.line("The trash is empty.")


@command(app, "carrel trash restore agent-1", name="restore")
def restore(workspace: Workspace, as_json: Json = False) -> None:
    """Take a workspace out of the trash, as it was, ignored files included."""
    from carrel.control import cleanup, workspaces

    out = Output(as_json=as_json)
    with opened() as ctx, out.working(f"Restoring {workspace}"):
        found = cleanup.restore_from_trash(ctx, workspace)
        shape = workspaces.view(ctx, found)
    out.document(shape)
    out.line(f"{out.style.green('✓')} {out.style.bold(found.agent_id)} is back.")
    if shape["working_directory"]:
        out.line(f"  {shown(str(shape['working_directory']))}")


@command(app, "carrel trash empty --dry-run", "carrel trash empty agent-1", name="empty")
def empty(workspaces: Workspaces = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Delete the named workspaces of the trash for good; all of them when none is named.

    Time does the same ('carrel gc'). Branches and last states stay; ignored files are gone.
    """
    from carrel.control import retention

    out = Output(as_json=as_json)
    with opened() as ctx, out.working("Emptying the trash"):
        deeds = retention.empty_trash(ctx, workspaces or (), dry_run=dry_run)
    out.document(deeds_document(deeds, dry_run=dry_run))
    show_deeds(out, deeds, dry_run=dry_run)
