"""`carrel projects`: list the registered repositories."""

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.table import Cell, Column
from carrel.cli.wording import shown

app = group()


@command(app, "carrel projects", "carrel projects --json")
def projects(as_json: Json = False) -> None:
    """List the registered repositories."""
    from carrel.control import projects as control

    out = Output(as_json=as_json)
    with opened() as ctx:
        found = control.listing(ctx)
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
