"""Parameters without what makes Typer slow: it loads pydantic to turn a text into a text.

Each parameter gets a converter of ours, for the few types that commands use. Should Typer
stop asking for it, everything still works, at Typer's own speed.
"""

from enum import Enum
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typer._click.core import Context
    from typer.core import TyperArgument, TyperOption

    Param = TyperArgument | TyperOption

Known = str | int | bool | Enum


class Converter:
    """Turns texts from the command line into values of one type.

    Args:
        kind: `str`, `int`, `bool` or an enumeration; or a list of one of them.
    """

    def __init__(self, kind: object) -> None:
        self._many = get_origin(kind) is list
        self._kind = cast("type[Known]", get_args(kind)[0] if self._many else kind)

    def coerce(self, value: object, param: "Param", ctx: "Context") -> object:
        """Convert a value as Typer hands it over.

        Raises:
            typer.BadParameter: It can't be converted.
        """
        if value is None:
            return () if self._many else None
        if isinstance(value, list | tuple):
            items = cast("Sequence[object]", value)
            return [self._one(item, param, ctx) for item in items]
        return self._one(value, param, ctx)

    def _one(self, value: object, param: "Param", ctx: "Context") -> Known:
        if isinstance(value, self._kind):
            return value
        try:
            return cast("Known", cast("Any", self._kind)(value))
        except ValueError as error:
            raise typer.BadParameter(self._expected(value), ctx=ctx, param=param) from error

    def _expected(self, value: object) -> str:
        if issubclass(self._kind, Enum):
            known = ", ".join(str(one.value) for one in self._kind)
            return f"{value!r} is none of: {known}."
        return f"{value!r} is no whole number."


def quicken(params: "Sequence[Param]") -> None:
    """Let parameters convert their values without pydantic."""
    for param in params:
        converter = Converter(param.type_descriptor.annotation)
        setattr(param, "get_runtime_param", _giving(converter))  # noqa: B010 - it is a method


def _giving(converter: Converter) -> object:
    return lambda: converter


def usage_pieces(params: "Sequence[Param]") -> list[str]:
    """Return the arguments as the usage line names them."""
    return [_name(param) for param in params if param.param_type_name == "argument"]


def rows(params: "Sequence[Param]", kind: str) -> list[tuple[str, str]]:
    """Return the parameters of a kind, `argument` or `option`, with what they mean."""
    return [
        (_name(param), param.help or "")
        for param in params
        if param.param_type_name == kind and not param.hidden
    ]


def _name(param: "Param") -> str:
    if param.param_type_name == "argument":
        return param.metavar or param.name.upper()
    names = ", ".join(sorted([*param.opts, *param.secondary_opts], key=len))
    takes_value = not getattr(param, "is_flag", False)
    return f"{names} {param.metavar or param.name.upper()}" if takes_value else names
