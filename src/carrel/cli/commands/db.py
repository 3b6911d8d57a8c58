"""`carrel db`: upgrade or check the database."""

import typer

from carrel.cli.declaring import command, group
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output
from carrel.cli.wording import shown

app = group(
    "Upgrade or check the database.", "carrel db current", "carrel db upgrade", "carrel db check"
)


@command(app, "carrel db upgrade --dry-run", "carrel db upgrade", name="upgrade")
def upgrade(dry_run: DryRun = False, as_json: Json = False) -> None:
    """Bring the database to this program's schema. A SQLite file is copied aside first."""
    from carrel import bootstrap

    out = Output(as_json=as_json)
    with out.working("Upgrading the database"):
        before, after = bootstrap.schema_current() if dry_run else bootstrap.schema_upgrade()
    out.document({"dry_run": dry_run, "before": before, "after": after})
    if before == after:
        out.line(f"{out.style.green('✓')} The database is at {after}; nothing to do.")
    elif dry_run:
        out.line(f"The database would be upgraded from {before or 'nothing'} to {after}.")
    else:
        mark = out.style.green("✓")
        out.line(f"{mark} The database is upgraded from {before or 'nothing'} to {after}.")


@command(app, "carrel db current", name="current")
def current(as_json: Json = False) -> None:
    """Tell which schema the database has, and which one this program needs."""
    from carrel import bootstrap

    out = Output(as_json=as_json)
    present, needed = bootstrap.schema_current()
    out.document({"current": present, "needed": needed})
    out.line(f"{present or 'no schema yet'} (this program needs {needed})")


@command(app, "carrel db check", name="check")
def check(as_json: Json = False) -> None:
    """Look for damage, a foreign schema and a broken ledger. Ends with 1 when there is any."""
    from carrel import bootstrap

    out = Output(as_json=as_json)
    with out.working("Checking the database"):
        findings = bootstrap.schema_check()
    out.document({"ok": not findings, "findings": findings})
    for finding in findings:
        out.line(f"{out.style.red('✗')} {shown(finding)}")
    if findings:
        raise typer.Exit(1)
    out.line(f"{out.style.green('✓')} The database is sound.")
