"""Commands and groups of commands with a help page in plain words."""

from typing import TYPE_CHECKING, cast

from typer.core import TyperCommand, TyperGroup

from carrel.cli import parameters

if TYPE_CHECKING:
    from typer._click.core import Context, Parameter
    from typer._click.formatting import HelpFormatter

    from carrel.cli.parameters import Param


class PlainCommand(TyperCommand):
    """One command."""

    def get_params(self, ctx: "Context") -> "list[Parameter]":
        """Return all parameters, the help option too, quick to convert."""
        return _quick(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: "Context") -> list[str]:
        """Return what the usage line says after the command's name."""
        return ["[OPTIONS]", *parameters.usage_pieces(_known(self.get_params(ctx)))]

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write arguments and options."""
        _write(self.get_params(ctx), formatter)


class PlainGroup(TyperGroup):
    """Several commands under one name."""

    def get_params(self, ctx: "Context") -> "list[Parameter]":
        """Return all parameters, the help option too, quick to convert."""
        return _quick(super().get_params(ctx))

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write options, then commands."""
        _write(self.get_params(ctx), formatter)
        self.format_commands(ctx, formatter)


def _quick(params: "list[Parameter]") -> "list[Parameter]":
    parameters.quicken(_known(params))
    return params


def _write(params: "list[Parameter]", formatter: "HelpFormatter") -> None:
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        rows = parameters.rows(_known(params), kind)
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _known(params: "list[Parameter]") -> "list[Param]":
    return cast("list[Param]", params)
