"""`carrel demo`: watch five agents work in parallel, and their work merged."""

from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.options import Json
from carrel.cli.output import Output

app = group()


@command(app, "carrel demo", "carrel demo --keep               look around afterwards")
def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the throwaway folder, to look around in.")
    ] = False,
    picture: Annotated[
        str | None, typer.Option(metavar="FILE", help="Also draw what was shown, as SVG.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Watch five agents work in parallel on one repository, and their work merged.

    Everything happens in a throwaway folder: nothing of yours is touched. Takes some seconds.
    """
    from carrel.cli.stage.performing import perform

    perform(Output(as_json=as_json), keep=keep, picture=picture)
