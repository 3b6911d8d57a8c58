"""Finds plugins: a file in the right folder that has the right constant is a registration."""

from difflib import get_close_matches
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules

from carrel.errors import BadInputError


class Catalog:
    """The plugins of one kind; nothing is imported before it is asked for.

    A plugin's name is its file's name. Packages of third parties register theirs under an
    entry point group named after the folder, such as `carrel.backends.local`.

    Args:
        package: Dotted name of the folder.
        constant: The constant that makes a file a plugin, such as `DRIVER`.
        unknown: Code of the error for a name that nothing has, such as `unknown_driver`.
    """

    def __init__(self, package: str, constant: str, unknown: str) -> None:
        self._package = package
        self._constant = constant
        self._unknown_code = unknown

    def names(self) -> tuple[str, ...]:
        """List every plugin, built in and installed."""
        folder = import_module(self._package).__path__
        built_in = [
            module.name
            for module in iter_modules(folder)
            if hasattr(import_module(f"{self._package}.{module.name}"), self._constant)
        ]
        return tuple(sorted({*built_in, *self._installed}))

    def load(self, name: str) -> object:
        """Import one plugin and return its constant.

        Raises:
            BadInputError: The code `unknown`, with the nearest name.
        """
        if name.isidentifier():
            try:
                return getattr(import_module(f"{self._package}.{name}"), self._constant)
            except ModuleNotFoundError as error:
                if error.name != f"{self._package}.{name}":
                    raise
            except AttributeError:
                pass
            address = self._installed.get(name)
            if address is not None:
                module, _, constant = address.partition(":")
                return getattr(import_module(module), constant or self._constant)
        raise self._unknown(name)

    @cached_property
    def _installed(self) -> dict[str, str]:
        """Name to address; every package of the environment is opened to find them."""
        from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import

        return {point.name: point.value for point in entry_points(group=self._package)}

    def _unknown(self, name: str) -> BadInputError:
        kind, known = self._constant.lower(), self.names()
        near = get_close_matches(name, known, n=1)
        return BadInputError(
            self._unknown_code,
            f"No {kind} is named {name!r}.",
            cure=f"Did you mean {near[0]!r}?" if near else f"Choose one of: {', '.join(known)}.",
        )
