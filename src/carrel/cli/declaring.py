"""How a command is declared: plain help, with examples at its end."""

from collections.abc import Callable
from typing import TypeVar

import typer

from carrel.cli.leaf import PlainCommand, PlainGroup

Body = TypeVar("Body", bound=Callable[..., None])

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


def group(summary: str = "", *examples: str, alone: bool = False) -> typer.Typer:
    """Return the application of one command, or of a group of commands.

    Args:
        summary: What the group is for.
        *examples: Command lines for the group's help page.
        alone: The group does something when no command of it is named.
    """
    return typer.Typer(
        cls=PlainGroup,
        help=summary,
        epilog=_listed(examples),
        add_completion=False,
        rich_markup_mode=None,
        context_settings=dict(HELP_OPTIONS),
        invoke_without_command=alone,
    )


def command(app: typer.Typer, *examples: str, name: str | None = None) -> Callable[[Body], Body]:
    """Declare a function as a command.

    Args:
        app: Where it belongs.
        *examples: Command lines for its help page.
        name: Its name in a group.
    """
    return app.command(
        name, cls=PlainCommand, epilog=_listed(examples), context_settings=dict(HELP_OPTIONS)
    )


def _listed(examples: tuple[str, ...]) -> str | None:
    if not examples:
        return None
    return "\n".join(["Examples:", "", "\b", *(f"  {line}" for line in examples)])
