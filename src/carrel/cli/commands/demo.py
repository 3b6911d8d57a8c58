"""`carrel demo`: five agents work in parallel, and a fleet goes into the night."""

from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.options import Json
from carrel.cli.output import Output

app = group()


@command(
    app,
    "carrel demo",
    "carrel demo --only fleet         the night of a fleet, without the agents",
    "carrel demo --keep               look around afterwards",
)
def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the throwaway folder, to look around in.")
    ] = False,
    picture: Annotated[
        str | None, typer.Option(metavar="FILE", help="Also draw what was shown, as SVG.")
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(metavar="HALF", help="Only 'workspaces' or 'fleet'.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Watch five agents work in parallel and their work merged; then a fleet's night.

    The fleet is a simulated one. Everything happens in a throwaway folder: nothing of yours is
    touched. Takes some seconds.
    """
    from carrel.cli.stage.performing import Half, perform
    from carrel.errors import BadInputError

    if only is not None and only not in set(Half):
        raise BadInputError(
            "unknown_half",
            f"The demonstration has no half {only!r}.",
            cure="Say --only workspaces, --only fleet, or neither.",
        )
    half = Half(only) if only is not None else None
    perform(Output(as_json=as_json), keep=keep, picture=picture, only=half)
