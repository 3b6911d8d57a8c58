"""`carrel doctor`: tell what works on this machine."""

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.wording import shown

app = group()


@command(app, "carrel doctor", "carrel doctor --json | jq '.checks[] | select(.ok == false)'")
def doctor(as_json: Json = False) -> None:
    """Tell what works on this machine, why the rest doesn't, and the cure for each.

    Ends with 1 when something is broken; a driver that can't be used here is no fault.
    """
    from carrel.control.doctor import examine

    out = Output(as_json=as_json)
    with opened() as ctx, out.working("Examining"):
        checks = examine(ctx)
    healthy = all(check.ok is not False for check in checks)
    out.document({"healthy": healthy, "checks": [record(check) for check in checks]})
    style, last = out.style, ""
    marks = {True: style.green("✓"), False: style.red("✗"), None: style.dim("·")}
    for check in checks:
        if check.group != last:
            out.line(style.bold(check.group.capitalize()))
        last = check.group
        out.line(f"  {marks[check.ok]} {check.name}: {shown(check.what)}")
        if check.why:
            out.line(f"      {style.dim(shown(check.why))}")
        if check.cure:
            out.line(f"      {style.green('→')} {shown(check.cure)}")
    if not healthy:
        raise typer.Exit(1)
