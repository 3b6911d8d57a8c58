"""Reads a policy's table of carrel.toml: each key once, each mistake named with its cure."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

from carrel.domain.fleet.schedule import zone_named
from carrel.domain.governance.windows import EVERY_DAY, Days
from carrel.domain.records import dataclass
from carrel.errors import BadInputError

T = TypeVar("T")

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


@dataclass(slots=True)
class Table:
    """One table, read key by key; `done` refuses what nobody asked for.

    Attributes:
        where: How the file names it, such as `policy.quiet_hours`.
        content: Its keys and values.
    """

    where: str
    content: Mapping[str, object]
    _asked: list[str] = field(default_factory=list[str])

    def read(self, key: str, default: T, reader: Callable[[object], T], may: str) -> T:
        """Read one key.

        Args:
            key: Its name.
            default: What it is when it isn't there.
            reader: Turns a value into what is wanted; ValueError: it can't be.
            may: What it may be, for a person.

        Raises:
            BadInputError: `bad_policy`.
        """
        self._asked.append(key)
        if key not in self.content:
            return default
        try:
            return reader(self.content[key])
        except ValueError as error:
            raise self.wrong(key, str(error), may) from error

    def wrong(self, key: str, why: str, may: str = "") -> BadInputError:
        """Make the error for a key."""
        name = f"{self.where}.{key}" if key else f"[{self.where}]"
        cure = f"It may be {may}." if may else "Correct it in carrel.toml."
        return BadInputError("bad_policy", f"{name} is wrong.", why=_sentence(why), cure=cure)

    def done(self) -> None:
        """Refuse keys that nobody asked for.

        Raises:
            BadInputError: `bad_policy`, with the nearest key.
        """
        for key in self.content:
            if key not in self._asked:
                near = get_close_matches(key, self._asked, n=1)
                known = ", ".join(sorted(self._asked))
                raise BadInputError(
                    "bad_policy",
                    f"[{self.where}] has no key {key!r}.",
                    cure=f"Did you mean {near[0]!r}?" if near else f"It may have: {known}.",
                )

    def switch(self, key: str, *, default: bool) -> bool:
        """Read true or false."""
        return self.read(key, default, _switch, "true or false")

    def text(self, key: str, default: str = "") -> str:
        """Read a text."""
        return self.read(key, default, _text, "a text in quotes")

    def choice(self, key: str, default: str, choices: Iterable[str]) -> str:
        """Read one of some words."""
        words = tuple(choices)

        def reader(value: object) -> str:
            found = next((word for word in words if word == value), None)
            if found is None:
                near = get_close_matches(str(value), words, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"{value!r} is none of these{hint}")
            return found

        return self.read(key, default, reader, " or ".join(repr(word) for word in words))

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of texts; a single text is a list of one."""
        return self.read(key, (), _texts, 'a list of texts, such as ["alice", "team-*"]')

    def number(self, key: str, default: float, *, least: float = 0) -> float:
        """Read a number that is not smaller than `least`."""
        return self.read(key, default, lambda value: _number(value, least), f"{least:g} or more")

    def whole(self, key: str, default: int, *, least: int = 0) -> int:
        """Read a whole number that is not smaller than `least`."""

        def reader(value: object) -> int:
            found = _number(value, least)
            if found != int(found):
                raise ValueError(f"{value!r} is no whole number")
            return int(found)

        return self.read(key, default, reader, f"a whole number, {least} or more")

    def minutes(self, key: str, default: float) -> timedelta:
        """Read a number of minutes; the key tells the unit."""
        return timedelta(minutes=self.number(key, default))

    def hours(self, key: str, default: float) -> timedelta:
        """Read a number of hours."""
        return timedelta(hours=self.number(key, default))

    def hours_or_none(self, key: str) -> timedelta | None:
        """Read a number of hours above zero, or None when it isn't there."""
        found = self.number(key, 0)
        if key in self.content and not found:
            raise self.wrong(key, "0 hours would apply to everything at once", "above 0")
        return timedelta(hours=found) if found else None

    def zone(self, key: str, default: ZoneInfo) -> ZoneInfo:
        """Read the name of a time zone."""
        return self.read(
            key, default, lambda value: zone_named(_text(value)), "a name such as 'Europe/Berlin'"
        )

    def clock(self, key: str, default: time | None = None) -> time | None:
        """Read a time of day; 24:00 is midnight."""
        return self.read(key, default, _clock, "a time such as '18:30'")

    def days(self, key: str) -> frozenset[int]:
        """Read weekdays; every day when it isn't there."""
        return self.read(key, EVERY_DAY, _days, f"a list of {', '.join(WEEKDAYS)}")

    def dates(self, key: str) -> tuple[Days, ...]:
        """Read days and stretches of days."""
        return self.read(key, (), _dates, "days such as '2026-12-25' or '2026-12-24..2027-01-01'")

    def moment(self, key: str, zone: ZoneInfo) -> datetime | None:
        """Read a moment; a day alone means its end, so that `until` counts the day itself."""
        return self.read(
            key,
            None,
            lambda value: _moment(value, zone),
            "a day such as 2026-12-31, or a moment such as 2026-12-31T18:00:00+01:00",
        )

    def table(self, key: str) -> "Table":
        """Read a table inside."""
        none: Mapping[str, object] = {}
        found = self.read(key, none, _mapping, f"a table [{self.where}.{key}]")
        return Table(f"{self.where}.{key}", found)

    def tables(self, key: str) -> "tuple[Table, ...]":
        """Read an array of tables."""
        none: list[Mapping[str, object]] = []
        found = self.read(key, none, _mappings, f"tables, each under [[{self.where}.{key}]]")
        return tuple(Table(f"{self.where}.{key}[{n}]", one) for n, one in enumerate(found, 1))


def _sentence(why: str) -> str:
    text = why.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")  # noqa: TRY004 - becomes bad_policy
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")  # noqa: TRY004 - becomes bad_policy
    return value


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is no list")  # noqa: TRY004 - becomes bad_policy
    found = tuple(_text(one) for one in cast("list[object]", value))
    if "" in found:
        raise ValueError("an empty text matches nothing")
    return found


def _number(value: object, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004 - becomes bad_policy
    if not least <= value < float("inf"):
        raise ValueError(f"{value!r} is out of range")
    if value > 1_000_000_000:  # noqa: PLR2004 - beyond what a time span can hold
        raise ValueError(f"{value!r} is out of range")
    return float(value)


def _clock(value: object) -> time:
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    match = _CLOCK.fullmatch(_text(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is no time of day")
    hour, minute = int(match[1]), int(match[2])
    return time() if (hour, minute) == (24, 0) else time(hour, minute)


def _days(value: object) -> frozenset[int]:
    names = [word.strip().lower()[:3] for word in _texts(value)]
    unknown = [word for word in names if word not in WEEKDAYS]
    if unknown or not names:
        raise ValueError(f"{unknown[0]!r} is no weekday" if unknown else "no day is named")
    return frozenset(WEEKDAYS.index(word) for word in names)


def _dates(value: object) -> tuple[Days, ...]:
    items = cast("list[object]", value) if isinstance(value, list | tuple) else [value]
    return tuple(_stretch(item) for item in items)


def _stretch(value: object) -> Days:
    if isinstance(value, date) and not isinstance(value, datetime):
        return Days(value, value)
    first, _, last = _text(value).partition("..")
    found = Days(_date(first), _date(last or first))
    if found.last < found.first:
        raise ValueError(f"{value!r} ends before it begins")
    return found


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip()!r} is no day") from None


def _moment(value: object, zone: ZoneInfo) -> datetime:
    if isinstance(value, str):
        value = _parsed(value.strip())
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    if isinstance(value, date):
        end = datetime.combine(value + timedelta(days=1), time(), zone)
        return end.astimezone(UTC)
    raise ValueError(f"{value!r} is no moment")


def _parsed(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no moment") from None


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is no table")  # noqa: TRY004 - becomes bad_policy
    return cast("Mapping[str, object]", value)


def _mappings(value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is no array of tables")  # noqa: TRY004 - becomes bad_policy
    return [_mapping(one) for one in cast("list[object]", value)]
