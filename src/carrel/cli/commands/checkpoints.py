"""`carrel checkpoints`: list the checkpoints of a workspace."""

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Workspace
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.table import Cell, Column
from carrel.cli.wording import brief, moment, shown, zone_name

app = group()


@command(app, "carrel checkpoints agent-1", "carrel checkpoints agent-1 --json")
def checkpoints(workspace: Workspace, as_json: Json = False) -> None:
    """List the checkpoints of a workspace, oldest first; 'carrel restore' takes any of them."""
    from carrel.control import checkpoints as control
    from carrel.control.finding import find
    from carrel.domain.workspaces import State

    out = Output(as_json=as_json)
    with opened() as ctx:
        found = find(ctx, workspace, states=frozenset(State))
        rows = control.listing(ctx, found)
    out.document(
        {
            "workspace_id": found.workspace_id,
            "agent_id": found.agent_id,
            "checkpoints": [record(row) for row in rows],
        }
    )
    if not rows:
        out.line(f"Nothing is saved yet. Save it with 'carrel checkpoint {found.agent_id}'.")
        return
    columns = [
        Column("N", right=True),
        Column("ITERATION", right=True),
        Column("COMMIT"),
        Column("FILES", right=True),
        Column("WHY"),
        Column(f"SAVED ({zone_name(rows[-1].created_at)})"),
        Column("MESSAGE", shrinks=True),
    ]
    out.table(
        columns,
        [
            [
                Cell(str(row.number)),
                Cell("" if row.iteration is None else str(row.iteration)),
                Cell(brief(row.commit_sha), out.style.cyan),
                Cell(str(row.files_changed)),
                Cell(row.reason),
                Cell(moment(row.created_at, zone=False)),
                Cell(shown(row.message.partition("\n")[0])),
            ]
            for row in rows
        ],
    )
