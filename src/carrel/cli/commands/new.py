"""`carrel new`: make a workspace."""

from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Project
from carrel.cli.output import Output
from carrel.cli.wording import brief, shown

app = group()


@command(
    app,
    "carrel new agent-1",
    "carrel new fix-login --from release-2",
    "carrel new agent-1-helper --parent agent-1     starts from its work, saved or not",
    "carrel new agent-3 --copy .env --share node_modules",
    'cd "$(carrel new agent-2 --json | jq -r .working_directory)"',
)
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Who will work there.", show_default=False)
    ],
    *,
    project: Project = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="REF",
            help="Branch, tag or commit to start from; else the project's branch.",
            show_default=False,
        ),
    ] = None,
    parent: Annotated[
        str | None,
        typer.Option(
            metavar="WS", help="Workspace to inherit from, unsaved work too.", show_default=False
        ),
    ] = None,
    driver: Annotated[
        str | None,
        typer.Option(help="How the tree is made; see 'carrel doctor'.", show_default=False),
    ] = None,
    copy: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Copy ignored files of your clone; repeatable."),
    ] = None,
    share: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Link to ignored files of your clone; repeatable."),
    ] = None,
    skip_smudge: Annotated[
        bool,
        typer.Option("--skip-smudge", help="Leave the pointers of Git LFS and other filters."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a workspace on a branch of its own, or return the one that is there.

    Asking again in equal words returns the same workspace; in other words it is refused.
    """
    from carrel.control import workspaces
    from carrel.control.furnishing import Wishes
    from carrel.system import identity

    out = Output(as_json=as_json)
    request = workspaces.Request(
        agent_id=name,
        project=project,
        branch=start,
        parent=parent,
        driver=driver,
        cwd=identity.folder(),
        wishes=Wishes(tuple(copy or ()), tuple(share or ()), skip_smudge),
    )
    with opened() as ctx, out.working(f"Making the workspace {name}"):
        made = workspaces.create(ctx, request)
        shape = workspaces.view(ctx, made)
    out.document(shape)
    style = out.style
    out.line(
        f"{style.green('✓')} {style.bold(made.agent_id)} works on {style.cyan(made.branch_name)}, "
        f"from {made.start_ref} ({brief(made.parent_commit)})."
    )
    folder = shape["working_directory"]
    out.line(
        f"  {shown(str(folder))}"
        if folder
        else f"  Its files are seen inside only: {style.cyan(f'carrel shell {made.agent_id}')}"
    )
