"""Making frozen dataclasses quickly; see `carrel.domain.records`, which is what to import."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError
from dataclasses import dataclass as standard
from functools import partial
from operator import attrgetter
from typing import Any, NoReturn, cast

Fields = tuple["Field[Any]", ...]
Values = Callable[[object], object]

_OURS = {"frozen": True, "slots": True}
_set = object.__setattr__
_standard = cast("Callable[..., Callable[[type], type]]", standard)


def dataclass(cls: type | None = None, /, **options: bool) -> object:
    """Make a dataclass; a frozen one with slots is made quickly."""
    if cls is None:
        return partial(dataclass, **options)
    if options != _OURS or any("__dataclass_fields__" in vars(one) for one in cls.__mro__):
        return _standard(**options)(cls)
    return _quick(cls)


def _quick(cls: type) -> type:
    own = set(vars(cls))
    made = _standard(init=False, repr=False, eq=False, slots=True)(cls)
    fields = _fields(made)
    if any(one.kw_only or not one.init or one.hash is not None for one in fields):
        raise TypeError(f"{made.__qualname__} needs the standard dataclass.")
    vars(made)["__dataclass_params__"].frozen = True
    for name, method in _methods(made, fields).items():
        if name not in own:
            setattr(made, name, method)
    return made


def _fields(made: type) -> Fields:
    return tuple(cast("Mapping[str, Field[Any]]", vars(made)["__dataclass_fields__"]).values())


def _methods(made: type, fields: Fields) -> dict[str, object]:
    compared = _values(one.name for one in fields if one.compare)

    def eq(self: object, other: object) -> object:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compared(self) == compared(other)

    def hashed(self: object) -> int:
        return hash(compared(self))

    return {
        "__init__": _init(made, fields),
        "__repr__": _repr,
        "__eq__": eq,
        "__hash__": hashed,
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
        "__getstate__": _state,
        "__setstate__": _restore,
    }


def _values(names: Iterable[str]) -> Values:
    known = tuple(names)
    return attrgetter(*known) if known else lambda _: ()


def _init(made: type, fields: Fields) -> object:
    taken: list[str] = []
    given: list[str] = []
    names: dict[str, Any] = {"_set": _set, "_missing": MISSING}
    for one in fields:
        default, value = "", one.name
        if one.default is not MISSING:
            names[f"_{one.name}"], default = one.default, f"=_{one.name}"
        elif one.default_factory is not MISSING:
            names[f"_{one.name}"], default = one.default_factory, "=_missing"
            value = f"_{one.name}() if {one.name} is _missing else {one.name}"
        taken.append(f"{one.name}{default}")
        given.append(f" _set(self,{one.name!r},{value})")
    if hasattr(made, "__post_init__"):
        given.append(" self.__post_init__()")
    source = f"def __init__({','.join(['self', *taken])}):\n" + ("\n".join(given) or " pass")
    exec(source, names)  # noqa: S102 - as the standard library does
    found = names["__init__"]
    found.__qualname__ = f"{made.__qualname__}.__init__"
    found.__annotations__ = {one.name: one.type for one in fields} | {"return": None}
    return found


def _repr(self: object) -> str:
    shown = (one.name for one in _fields(type(self)) if one.repr)
    told = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
    return f"{type(self).__qualname__}({told})"


def _refuse_to_set(_: object, name: str, __: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: object) -> list[object]:
    return [getattr(self, one.name) for one in _fields(type(self))]


def _restore(self: object, state: list[object]) -> None:
    for one, value in zip(_fields(type(self)), state, strict=True):
        _set(self, one.name, value)
