"""`carrel init`: register a repository."""

from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.wording import shown

app = group()


@command(
    app,
    "carrel init .                                   the repository you are in",
    "carrel init https://example.org/team/site.git",
    "carrel init ~/src/site --name site --branch develop",
)
def init(
    source: Annotated[
        str, typer.Argument(metavar="PATH|URL", help="The repository.", show_default=False)
    ],
    name: Annotated[
        str | None, typer.Option(help="Name; else the repository's own.", show_default=False)
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option(help="Branch to start from; else the repository's.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Register a repository, by path or URL. Doing it again changes nothing.

    Of a path, merges land in that repository; of a URL, in a store of Carrel's own, and at
    the remote with 'carrel merge --push'. The repository itself is not touched.
    """
    from carrel.control import projects

    out = Output(as_json=as_json)
    with opened() as ctx, out.working(f"Reading {shown(source)}"):
        project = projects.register(ctx, source, name=name, branch=branch)
    out.document(record(project))
    style = out.style
    out.line(
        f"{style.green('✓')} {style.bold(project.name)} is registered: {shown(project.source)}, "
        f"workspaces start at {project.default_branch}."
    )
    out.line(f"  Make a workspace: {style.cyan(f'carrel new NAME --project {project.name}')}")
