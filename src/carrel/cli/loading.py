"""Loading a command only when it is called: the help page and other commands don't pay for it."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

from typer.main import get_command

from carrel.cli.catalogue import SECTIONS
from carrel.cli.leaf import PlainCommand, PlainGroup

if TYPE_CHECKING:
    from typer import Typer
    from typer._click.core import Command, Context
    from typer._click.formatting import HelpFormatter

PACKAGE = "carrel.cli.commands"


def load(name: str) -> "Command":
    """Return the real command of a name in the catalogue."""
    module = import_module(f"{PACKAGE}.{name.replace('-', '_')}")
    return get_command(cast("Typer", vars(module)["app"]))


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
        return load(self._called).make_context(info_name, args, parent, **extra)


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
