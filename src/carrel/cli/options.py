"""Options and arguments that commands share."""

from typing import Annotated

import typer


def _names(incomplete: str) -> list[str]:
    """Complete the name of a workspace; a shell never sees an error of ours."""
    from carrel.cli.naming import workspace_names

    return workspace_names(incomplete)


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Workspace = Annotated[
    str,
    typer.Argument(
        metavar="WS",
        help="Agent's name, workspace id or ticket id.",
        autocompletion=_names,
        show_default=False,
    ),
]
Workspaces = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[WS]...",
        help="Agents' names, workspace ids or ticket ids.",
        autocompletion=_names,
        show_default=False,
    ),
]
Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        metavar="NAME",
        help="Project; else the one that holds this folder, else the only one.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]
