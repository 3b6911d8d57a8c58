"""`carrel reconcile`: compare the database with the disk, and repair the differences."""

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.wording import count, shown

app = group()


@command(app, "carrel reconcile --dry-run", "carrel reconcile")
def reconcile(dry_run: DryRun = False, as_json: Json = False) -> None:
    """Compare database, references, folders and mounts, and repair each difference.

    A crash or a reboot leaves differences; repairing them loses nothing.
    """
    from carrel.control.reconcile import reconcile as control

    out = Output(as_json=as_json)
    with opened() as ctx, out.working("Comparing"):
        findings = control(ctx, dry_run=dry_run)
    out.document({"dry_run": dry_run, "findings": [record(one) for one in findings]})
    style = out.style
    if not findings:
        out.line(f"{style.green('✓')} Database, references, folders and mounts agree.")
        return
    for one in findings:
        mark = style.green("✓") if one.applied else style.yellow("!")
        out.line(f"{mark} {style.bold(shown(one.subject))}: {shown(one.what)}")
        out.line(f"  {style.green('→')} {one.cure}")
        if one.detail:
            out.line(f"  {style.red(shown(one.detail))}")
    repaired = sum(one.applied for one in findings)
    out.line(f"{count(len(findings), 'difference')}, {repaired} repaired.")
