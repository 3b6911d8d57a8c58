"""How one setting is read: from a TOML value, or from the text of an environment variable."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar, cast

from carrel.domain.records import dataclass

T = TypeVar("T")
Name = TypeVar("Name", bound=StrEnum)
Key = TypeVar("Key", bound=str)

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True} | {
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


class WrongValueError(ValueError):
    """A value that is not allowed; the reader knows what is."""


@dataclass(frozen=True, slots=True)
class Reader(Generic[T]):
    """One kind of value.

    Attributes:
        allowed: What may be written, as a person would say it.
        check: Makes the value from what stands in a TOML file, or raises WrongValueError.
        parse: Makes from an environment variable's text what could stand in a TOML file.
        table: Pairs that a TOML file writes as a table.
    """

    allowed: str
    check: Callable[[object], T]
    parse: Callable[[str], object]
    table: bool = False


def _same(text: str) -> object:
    return text


def text(allowed: str = "a text") -> Reader[str]:
    """Any text in one line."""

    def check(value: object) -> str:
        if not isinstance(value, str) or "\n" in value or "\0" in value:
            raise WrongValueError
        return value

    return Reader(allowed, check, _same)


def whole(least: int, most: int | None = None) -> Reader[int]:
    """A whole number."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise WrongValueError
        if most is not None and value > most:
            raise WrongValueError
        return value

    allowed = f"at least {least}" if most is None else f"from {least} to {most}"
    return Reader(f"a whole number, {allowed}", check, _number)


def amount(*, zero: bool) -> Reader[float]:
    """A number with or without decimals."""

    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise WrongValueError
        if not 0 <= value < float("inf") or (value == 0 and not zero):
            raise WrongValueError
        return float(value)

    return Reader("a number, at least 0" if zero else "a number above 0", check, _number)


def percent() -> Reader[float]:
    """A share in percent, above 0."""

    def check(value: object) -> float:
        found = amount(zero=False).check(value)
        if found > _WHOLE:
            raise WrongValueError
        return found

    return Reader("a number above 0 and up to 100", check, _number)


_WHOLE = 100


def _number(written: str) -> object:
    try:
        return int(written)
    except ValueError:
        pass
    try:
        return float(written)
    except ValueError:
        raise WrongValueError from None


def switch() -> Reader[bool]:
    """True or false."""

    def check(value: object) -> bool:
        if not isinstance(value, bool):
            raise WrongValueError
        return value

    def parse(written: str) -> object:
        return _BOOLEANS.get(written.strip().lower(), written)

    return Reader("true or false", check, parse)


def one_of(names: type[Name]) -> Reader[Name]:
    """One of a few names."""
    return Reader(_either(names), lambda value: _member(names, value), _same)


def _member(names: type[Name], value: object) -> Name:
    try:
        return names(plain_text(value))
    except ValueError:
        raise WrongValueError from None


def _either(names: Iterable[str]) -> str:
    *most, last = (str(name) for name in names)
    return f"{', '.join(most)} or {last}"


def texts(allowed: str) -> Reader[tuple[str, ...]]:
    """A list of texts."""

    def check(value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple):
            raise WrongValueError
        items = cast("list[object]", value)
        found = tuple(item for item in items if isinstance(item, str) and item)
        if len(found) != len(items):
            raise WrongValueError
        return found

    def parse(written: str) -> object:
        if written.lstrip().startswith("["):
            return _json(written)
        return [part.strip() for part in written.split(",")]

    return Reader(allowed, check, parse)


def table(
    key: Callable[[object], Key], names: type[Name], allowed: str
) -> Reader[tuple[tuple[Key, Name], ...]]:
    """A table from a text to one of a few names, its order kept."""

    def check(value: object) -> tuple[tuple[Key, Name], ...]:
        if not isinstance(value, Mapping):
            raise WrongValueError
        pairs = cast("Mapping[object, object]", value).items()
        return tuple((key(left), _member(names, right)) for left, right in pairs)

    def parse(written: str) -> object:
        if written.lstrip().startswith("{"):
            return _json(written)
        pairs = [part.rpartition("=") for part in written.split(",")]
        return {left.strip(): right.strip() for left, _, right in pairs}

    return Reader(f"{allowed} to {_either(names)}", check, parse, table=True)


def pairs(allowed: str) -> Reader[tuple[tuple[str, str], ...]]:
    """A table from texts to texts, its order kept; in a variable it is JSON."""

    def check(value: object) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, Mapping):
            raise WrongValueError
        items = cast("Mapping[object, object]", value).items()
        return tuple((plain_text(left), plain_text(right)) for left, right in items)

    return Reader(allowed, check, _json, table=True)


def plain_text(value: object) -> str:
    """Take the key of a table as it is, but not empty."""
    if not isinstance(value, str) or not value:
        raise WrongValueError
    return value


def member_of(names: type[Name]) -> Callable[[object], Name]:
    """Take the key of a table as one of a few names."""
    return lambda value: _member(names, value)


def _json(written: str) -> object:
    import json  # noqa: PLC0415 - hardly ever needed, and a start costs what it imports

    try:
        value: object = json.loads(written)
    except ValueError:
        raise WrongValueError from None
    return value
