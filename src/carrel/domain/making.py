"""Making dataclasses with slots quickly; see `carrel.domain.records`, which is what to import."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError
from dataclasses import dataclass as standard
from dataclasses import fields as fields_of
from functools import partial
from operator import attrgetter
from types import FunctionType
from typing import Any, NamedTuple, NoReturn, cast

Fields = tuple["Field[Any]", ...]
Values = Callable[[object], object]

_standard = cast("Callable[..., Callable[[type], type]]", standard)


class _Options(NamedTuple):
    """Options that can be had quickly, and their usual values."""

    slots: bool = False
    frozen: bool = False
    repr: bool = True
    eq: bool = True


def dataclass(cls: type | None = None, /, **options: bool) -> object:
    """Make a dataclass; one with slots that inherits from no other is made quickly."""
    if cls is None:
        return partial(dataclass, **options)
    quick = options.get("slots") and options.keys() <= set(_Options._fields)
    if not quick or any("__dataclass_fields__" in vars(one) for one in cls.__mro__):
        return _standard(**options)(cls)
    return _quick(cls, _Options(**options))


def _quick(cls: type, options: _Options) -> type:
    own = dict(vars(cls))
    if cls.__doc__ is None:  # the standard's own text for that takes longer than all the rest
        cls.__doc__ = f"{cls.__name__}({', '.join(vars(cls).get('__annotations__', ()))})"
    made = _standard(init=False, repr=False, eq=False, slots=True)(cls)
    fields = _fields(made)
    if any(one.kw_only or not one.init or one.hash is not None for one in fields):
        raise TypeError(f"{made.__qualname__} needs the standard dataclass.")
    params = vars(made)["__dataclass_params__"]
    params.init, params.repr, params.eq, params.frozen = True, *options[2:], options.frozen
    for name, method in _methods(made, fields, options).items():
        if own.get(name) is None:  # as for a hash that Python took away from who has an __eq__
            setattr(made, name, method)
    return made


def _fields(made: type) -> Fields:
    return fields_of(cast("Any", made))


def _methods(made: type, fields: Fields, options: _Options) -> dict[str, object]:
    methods: dict[str, object] = {"__init__": _Later(made, fields, options)}
    if options.repr:
        methods["__repr__"] = _repr
    if options.eq:
        methods |= _comparing(fields, hashable=options.frozen)
    if options.frozen:
        methods |= _FROZEN
    return methods


class _Later:
    """An `__init__` that is written when it is first asked for.

    It is the larger part of making a dataclass, and of most kinds a short command has no value.
    """

    def __init__(self, made: type, fields: Fields, options: _Options) -> None:
        self._made, self._fields, self._frozen = made, fields, options.frozen

    def __get__(self, one: object, owner: type | None = None) -> object:
        init = _init(self._made, self._fields, frozen=self._frozen)
        setattr(self._made, "__init__", init)  # noqa: B010 - it is a method
        return init.__get__(one, owner)


def _comparing(fields: Fields, *, hashable: bool) -> dict[str, object]:
    compared = _values(one.name for one in fields if one.compare)

    def eq(self: object, other: object) -> object:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compared(self) == compared(other)

    def hashed(self: object) -> int:
        return hash(compared(self))

    return {"__eq__": eq, "__hash__": hashed if hashable else None}


def _values(names: Iterable[str]) -> Values:
    known = tuple(names)
    return attrgetter(*known) if known else lambda _: ()


def _init(made: type, fields: Fields, *, frozen: bool) -> FunctionType:
    taken: list[str] = []
    given: list[str] = []
    # A slot's own setter needs no search for the name: it takes half the time.
    names: dict[str, Any] = {f"_set_{one.name}": vars(made)[one.name].__set__ for one in fields}
    names["_missing"] = MISSING
    for one in fields:
        default, value = "", one.name
        if one.default is not MISSING:
            names[f"_for_{one.name}"], default = one.default, f"=_for_{one.name}"
        elif one.default_factory is not MISSING:
            names[f"_for_{one.name}"], default = one.default_factory, "=_missing"
            value = f"_for_{one.name}() if {one.name} is _missing else {one.name}"
        taken.append(f"{one.name}{default}")
        setting = f"_set_{one.name}(self,{value})" if frozen else f"self.{one.name}={value}"
        given.append(f" {setting}")
    if hasattr(made, "__post_init__"):
        given.append(" self.__post_init__()")
    source = f"def __init__({','.join(['self', *taken])}):\n" + ("\n".join(given) or " pass")
    exec(source, names)  # noqa: S102 - as the standard library does
    found = cast("FunctionType", names["__init__"])
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
        object.__setattr__(self, one.name, value)


_FROZEN: Mapping[str, object] = {
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
    "__getstate__": _state,
    "__setstate__": _restore,
}
