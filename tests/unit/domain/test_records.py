"""Quick dataclasses differ from the standard ones in nothing but the time that they take."""

import copy
import inspect
import pickle
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from dataclasses import dataclass as standard
from typing import Any

import pytest

from carrel.domain.making import dataclass as quick


def make(dataclass: Callable[..., Any]) -> tuple[type, type, type]:
    @dataclass(frozen=True, slots=True)
    class Point:
        """A point."""

        x: int
        y: int = 2
        tags: list[str] = field(default_factory=list)
        note: str = field(default="", compare=False, repr=False)

        @property
        def sum(self) -> int:
            return self.x + self.y

    @dataclass(frozen=True, slots=True)
    class Named:
        name: str

        def __post_init__(self) -> None:
            if not self.name:
                raise ValueError("no name")

        def __repr__(self) -> str:
            return "somebody"

    @dataclass(frozen=True, slots=True)
    class Empty:
        """Nothing."""

    return Point, Named, Empty


def make_others(dataclass: Callable[..., Any]) -> tuple[type, type, type, type]:
    @dataclass(slots=True)
    class Open:
        """Its values may change."""

        x: int
        tags: list[str] = field(default_factory=list)

    @dataclass(frozen=True, slots=True, repr=False)
    class Shy:
        """Shows nothing."""

        word: str

    @dataclass(frozen=True, slots=True, eq=False)
    class Single:
        """Equal to itself alone."""

        x: int = 1

    @dataclass(frozen=True, slots=True)
    class Loose:  # noqa: PLW1641 - it is made
        """Compares in its own way."""

        x: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self)) and self.x % 10 == other.x % 10

    return Open, Shy, Single, Loose


PLAIN, QUICK = make(standard), make(quick)
BOTH = pytest.mark.parametrize("kinds", [PLAIN, QUICK], ids=["standard", "quick"])
OTHERS = pytest.mark.parametrize(
    "kinds", [make_others(standard), make_others(quick)], ids=["standard", "quick"]
)


@BOTH
def test_values_are_made_compared_and_shown(kinds: tuple[type, ...]) -> None:
    point, named, empty = kinds
    one, other = point(1), point(1, 2, [], "another note")
    assert (one.x, one.y, one.tags, one.note, one.sum) == (1, 2, [], "", 3)
    assert one == other
    assert one != point(2)
    assert one != (1, 2, [])
    assert repr(one).endswith("Point(x=1, y=2, tags=[])")
    assert repr(named("ann")) == "somebody"
    assert empty() == empty()
    assert hash(named("ann")) == hash(named("ann"))
    assert {named("ann"), named("ann"), named("bob")} == {named("bob"), named("ann")}
    assert hash(empty()) == hash(empty())
    with pytest.raises(TypeError):
        hash(one)  # it holds a list
    assert point(3, tags=["a"]).tags == ["a"]
    assert point(1).tags is not point(1).tags


@BOTH
def test_nothing_can_be_changed(kinds: tuple[type, ...]) -> None:
    one = kinds[0](1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        one.x = 5
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del one.x
    with pytest.raises((FrozenInstanceError, TypeError)):
        one.other = 5
    assert not hasattr(one, "__dict__")


@BOTH
def test_the_tools_of_dataclasses_work(kinds: tuple[type, ...]) -> None:
    point, named, _ = kinds
    one = replace(point(1, note="n"), y=7)
    assert (one.x, one.y, one.note) == (1, 7, "n")
    assert asdict(one) == {"x": 1, "y": 7, "tags": [], "note": "n"}
    assert [found.name for found in fields(point)] == ["x", "y", "tags", "note"]
    assert point.__match_args__ == ("x", "y", "tags", "note")
    assert point.__doc__ == "A point."
    with pytest.raises(ValueError, match="no name"):
        named("")
    with pytest.raises(TypeError):
        point()
    with pytest.raises(TypeError):
        point(1, z=3)


@OTHERS
def test_other_options_do_the_same(kinds: tuple[type, ...]) -> None:
    kind, shy, single, loose = kinds
    one = kind(1)
    one.x = 2
    assert (one, one.tags) == (kind(2, []), [])
    assert one != kind(1)
    assert repr(one).endswith("Open(x=2, tags=[])")
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)
    assert not hasattr(one, "__dict__")
    del one.x
    assert copy.copy(kind(3)) == kind(3)
    assert "word" not in repr(shy("word"))
    assert shy("word") == shy("word")
    assert single() != single()
    assert len({single(), single()}) == 2
    assert loose(1) == loose(11)
    assert hash(loose(1)) == hash(loose(1))
    for frozen in (shy("a"), single(), loose(1)):
        with pytest.raises((FrozenInstanceError, TypeError)):
            frozen.x = 2


def test_what_is_told_of_them_is_the_same() -> None:
    for plain, fast in zip(
        [*make(standard), *make_others(standard)], [*make(quick), *make_others(quick)], strict=True
    ):
        assert list(inspect.signature(plain).parameters) == list(inspect.signature(fast).parameters)
        assert inspect.get_annotations(plain.__init__) == inspect.get_annotations(fast.__init__)
        assert plain.__init__.__qualname__ == fast.__init__.__qualname__
        assert repr(plain.__dataclass_params__) == repr(fast.__dataclass_params__)


def test_an_init_is_written_when_it_is_needed() -> None:
    @quick(frozen=True, slots=True)
    class Rare:
        """Mostly nobody makes one."""

        x: int

    class Heir(Rare):
        """Inherits it."""

    assert not inspect.isfunction(vars(Rare)["__init__"])
    assert Heir(3).x == 3
    assert inspect.isfunction(vars(Rare)["__init__"])
    assert Rare(4).x == 4


def test_who_says_nothing_is_described_by_its_fields() -> None:
    assert make(quick)[1].__doc__ == "Named(name)"


@quick(frozen=True, slots=True)
class Kept:
    """At the top of a module, as pickling wants."""

    name: str
    facts: Mapping[str, int]


def test_they_can_be_sent_elsewhere() -> None:
    one = Kept("a", {"b": 1})
    assert pickle.loads(pickle.dumps(one)) == one


def test_heirs_and_who_has_no_slots_are_left_to_the_standard() -> None:
    @quick(order=True)
    class Open:
        x: int

    @quick(frozen=True, slots=True)
    class Base:
        x: int

    @quick(frozen=True, slots=True)
    class Heir(Base):
        y: int = 3

    free = Open(1)
    free.x = 2
    assert Open(1) < free == Open(2)
    assert Heir(1) == Heir(1, 3)
    assert Heir(1).x == 1
    with pytest.raises(FrozenInstanceError):
        Heir(1).x = 2  # type: ignore[misc]


def test_what_would_differ_is_refused() -> None:
    with pytest.raises(TypeError, match="needs the standard"):

        @quick(frozen=True, slots=True)
        class Odd:
            x: int = field(kw_only=True)


def test_no_name_of_a_field_gets_into_the_way_of_another() -> None:
    @quick(frozen=True, slots=True)
    class Odd:
        x: int
        missing: str = "nobody"
        set_x: str = "setter"
        for_x: list[str] = field(default_factory=list)

    one = Odd(1)  # type: ignore[call-arg]
    assert (one.x, one.missing, one.set_x, one.for_x) == (1, "nobody", "setter", [])  # type: ignore[attr-defined]
