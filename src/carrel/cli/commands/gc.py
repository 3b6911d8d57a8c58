"""`carrel gc`: remove the workspaces whose time is over."""

from carrel.cli.declaring import command, group
from carrel.cli.deeds import deeds_document, show_deeds
from carrel.cli.opening import opened
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output

app = group()


@command(app, "carrel gc --dry-run", "carrel gc")
def gc(dry_run: DryRun = False, as_json: Json = False) -> None:
    """Remove merged, failed and idle workspaces whose time is over, and empty the trash.

    How long each kind is kept is a setting ('carrel config show'). No work is discarded:
    branches stay, and what refuses to be removed stays.
    """
    from carrel.control import retention

    out = Output(as_json=as_json)
    with opened() as ctx, out.working("Cleaning up"):
        deeds = retention.collect(ctx, dry_run=dry_run)
    out.document(deeds_document(deeds, dry_run=dry_run))
    show_deeds(out, deeds, dry_run=dry_run)
