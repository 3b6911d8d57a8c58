"""Loading a command only when it is called: the help page and other commands don't pay for it."""

from copy import copy
from importlib import import_module
from typing import TYPE_CHECKING, cast

from typer.main import get_command, get_group

from carrel.cli.catalogue import SECTIONS
from carrel.cli.leaf import PlainCommand, PlainGroup

if TYPE_CHECKING:
    from typer import Typer
    from typer._click.core import Command, Context
    from typer._click.formatting import HelpFormatter

PACKAGE = "carrel.cli.commands"


def load(name: str, inner: str = "") -> "Command":
    """Return the real command of a name in the catalogue.

    Args:
        name: Its name.
        inner: The one command that is called, if it is a group of several: what it takes is read
            from the signatures of functions, and only this one's is.
    """
    module = import_module(f"{PACKAGE}.{name.replace('-', '_')}")
    app = cast("Typer", vars(module)["app"])
    known = app.registered_commands
    called = [one for one in known if one.name == inner]
    if not called or len(known) == 1:
        return get_command(app)
    part = copy(app)
    part.registered_commands, part.registered_groups = called, []
    return get_group(part)


class LazyCommand(PlainCommand):
    """Stands for a command until it is called."""

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(name, short_help=summary, help=summary, rich_markup_mode=None)
        self._called = name

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: "Context | None" = None,
        **extra: object,
    ) -> "Context":
        """Parse the arguments by the real command, which the context then runs."""
        real = load(self._called, args[0] if args else "")
        return real.make_context(info_name, args, parent, **extra)


class LazyGroup(PlainGroup):
    """All commands of the catalogue, in its order and its sections."""

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        for commands in SECTIONS.values():
            for name, summary in commands.items():
                self.commands[name] = LazyCommand(name, summary)

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:  # noqa: ARG002
        """Write the commands section by section."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<12}", text) for name, text in commands.items()])
