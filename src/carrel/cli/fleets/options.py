"""Options and arguments that the commands on fleets share."""

from typing import Annotated

import typer

FleetWorkspaceName = Annotated[
    str,
    typer.Argument(
        metavar="WS", help="OWNER/NAME, a name alone if it is unique, or an id.", show_default=False
    ),
]
User = Annotated[
    str | None,
    typer.Option("--user", metavar="NAME", help="Only this user's workspaces.", show_default=False),
]
PlanId = Annotated[
    str,
    typer.Argument(metavar="PLAN", help="A plan's id, or a start of it.", show_default=False),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Tell each step on standard error, and log it.")
]
Execute = Annotated[bool, typer.Option("--execute", help="Do it; without, the plan is only shown.")]
Reason = Annotated[
    str,
    typer.Option("--reason", metavar="TEXT", help="Why, for the ledger.", show_default=False),
]
