"""The command line as a whole: its options, and what becomes of errors."""

from typing import Annotated

import typer
from typer._completion_classes import completion_init
from typer.main import get_command

from carrel.cli import failing
from carrel.cli.declaring import HELP_OPTIONS
from carrel.cli.loading import LazyGroup
from carrel.system import terminal

root = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    context_settings=dict(HELP_OPTIONS),
)


@root.callback(
    epilog="Workspaces are named by agent, by id or by ticket. Every command explains itself: "
    "'carrel COMMAND --help'. Every command that prints has --json."
)
def carrel(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[  # noqa: ARG001 - read from the arguments, before they are parsed
        bool, typer.Option("--debug", help="Show where in the program an error came from.")
    ] = False,
) -> None:
    """Isolated git workspaces for developers and coding agents.

    Each gets a place of its own in milliseconds; the work is saved, checked and merged
    without a line lost.
    """
    if version:
        typer.echo(f"carrel {_version()}")
    elif ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    asked = failing.Asked.read(arguments)
    if terminal.completing():
        completion_init()
    try:
        code = get_command(root).main(arguments, prog_name="carrel", standalone_mode=False)
    except SystemExit as done:  # shell completion ends that way
        return done.code if isinstance(done.code, int) else 0
    except KeyboardInterrupt:
        return failing.INTERRUPTED
    except BrokenPipeError:
        return failing.hung_up()
    except Exception as error:  # noqa: BLE001 - the one place where every error is told
        return failing.report(error, asked)
    return code if isinstance(code, int) else 0


def _version() -> str:
    from importlib.metadata import version

    return version("carrel")
