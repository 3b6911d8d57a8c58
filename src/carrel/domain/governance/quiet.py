"""Whose quiet hours are when: rules of carrel.toml, each user's own, the deployment's default."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from carrel.domain.fleet.deployment import Source
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import People, QuietHours
from carrel.domain.fleet.schedule import parse_daily
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.reading import Table
from carrel.domain.governance.scopes import Applies, Names, Scope, applies, read_scope
from carrel.domain.governance.windows import Days, Stretch, Timetable, Window
from carrel.domain.governance.withholding import gap_in_groups, said
from carrel.domain.records import dataclass

NATIVE_HOURS = 4
"""How long the backend's own quiet hours last, by its documentation."""
_OWN_RANK = 3.5
"""What a user chose goes before rules for templates and groups, not before one for that user."""
_DEFAULT_RANK = -1.0


@dataclass(frozen=True, slots=True)
class QuietRule:
    """One rule: for whom, and when.

    Attributes:
        name: What reasons call it.
        scope: Whom it is about.
        timetable: When it is quiet.
        grace: How long after the beginning nothing is stopped; None: the policy's.
    """

    name: str
    scope: Scope
    timetable: Timetable
    grace: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Vacation:
    """Days that are quiet altogether, for some."""

    scope: Scope
    days: tuple[Days, ...]


@dataclass(frozen=True, slots=True)
class QuietRules:
    """All rules of one policy.

    Attributes:
        rules: As the file lists them.
        vacations: Days off, for some.
        native: Whether the backend's own quiet hours count.
        native_length: How long those last.
        holidays: Days that are quiet for all.
    """

    rules: tuple[QuietRule, ...] = ()
    vacations: tuple[Vacation, ...] = ()
    native: bool = True
    native_length: timedelta = timedelta(hours=NATIVE_HOURS)
    holidays: tuple[Days, ...] = ()

    @property
    def scopes(self) -> list[Scope]:
        """Everybody that is named anywhere."""
        return [*(rule.scope for rule in self.rules), *(one.scope for one in self.vacations)]


@dataclass(frozen=True, slots=True)
class Night:
    """What is known of somebody's quiet hours at one moment.

    Attributes:
        label: Where they come from, for reasons.
        zone: Whose wall clock counts.
        present: The stretch that the moment lies in.
        change: When inside and outside change places next.
        last_end: When they ended last, at a moment outside.
        grace: The rule's own grace.
        unknown: Why they can't be known; empty: they are.
        day_off: Whether it is a holiday, or one of the owner's vacation.
    """

    label: str
    zone: ZoneInfo
    present: Stretch | None = None
    change: datetime | None = None
    last_end: datetime | None = None
    grace: timedelta | None = None
    unknown: str = ""
    day_off: bool = False

    @property
    def said(self) -> str:
        """Where they come from, and why they may be longer than usual."""
        return f"{self.label}, on a day off" if self.day_off else self.label


_KEYS = {
    "organizations": "organization_id",
    "templates": "template_id",
    "workspaces": "workspace_id",
}
"""What besides its owner a workspace's quiet hours can hang on."""


def read_rules(table: Table, *, native_key: str = "native_hours") -> QuietRules:
    """Read the keys of quiet hours from a policy's table.

    Raises:
        BadInputError: `bad_policy`.
    """
    zone = table.zone("timezone", ZoneInfo("UTC"))
    holidays, free = table.dates("holidays"), table.dates("working_days")
    whole = read_windows(table, zone, holidays, free)
    rules = [QuietRule("fleet", Scope(), whole)] if whole.windows else []
    rules += [_rule(one, zone, holidays, free) for one in table.tables("rule")]
    vacations = tuple(_vacation(one) for one in table.tables("vacation"))
    length = table.hours(native_key, NATIVE_HOURS)
    if not timedelta() < length <= timedelta(days=1):
        raise table.wrong(native_key, "a day has 24 hours", "above 0 and up to 24")
    native = table.switch("native", default=True)
    return QuietRules(tuple(rules), vacations, native, length, holidays)


def read_windows(
    table: Table, zone: ZoneInfo, holidays: tuple[Days, ...], free: tuple[Days, ...]
) -> Timetable:
    """Read `start`, `end` and `days`, or `windows` with several of these.

    Raises:
        BadInputError: `bad_policy`.
    """
    found = [one for one in (_window(table), *map(_window, table.tables("windows"))) if one]
    return Timetable(zone, tuple(found), holidays, free)


def _window(table: Table) -> Window | None:
    start, end, days = table.clock("start"), table.clock("end"), table.days("days")
    if table.where.endswith("]") and ".windows[" in table.where:
        table.done()
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise table.wrong("start" if start is None else "end", "a window needs a start and an end")
    if start == end and start != time():
        why = f"a window from {start:%H:%M} to {end:%H:%M} has no length"
        raise table.wrong("end", why, 'another time, or "00:00" to "24:00" for whole days')
    return Window(start, end, days)


def _rule(
    table: Table, zone: ZoneInfo, holidays: tuple[Days, ...], free: tuple[Days, ...]
) -> QuietRule:
    scope = read_scope(table)
    name = table.text("name") or str(scope)
    zone = table.zone("timezone", zone)
    more, less = table.dates("holidays"), table.dates("working_days")
    timetable = read_windows(table, zone, (*holidays, *more), (*free, *less))
    grace = table.minutes("grace_minutes", 0)
    table.done()
    if not timetable.windows and not more:
        raise table.wrong("", "a rule needs a window", "given `start` and `end`, or `windows`")
    return QuietRule(name, scope, timetable, grace if "grace_minutes" in table.content else None)


def _vacation(table: Table) -> Vacation:
    found = Vacation(read_scope(table), table.dates("dates"))
    table.done()
    if not found.days:
        raise table.wrong("dates", "a vacation needs its days", "a list of days")
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """Which windows a workspace falls under, whatever the time."""

    key: tuple[object, ...]
    label: str
    timetable: Timetable
    rule: QuietRule | None = None


class _Ground:
    """What quiet hours hang on besides time; two are equal when they hold the very same things."""

    __slots__ = ("_parts", "observation", "rules")

    def __init__(self, rules: QuietRules, observation: Observation) -> None:
        self.rules = rules
        # Many grounds are remembered: none may hold on to a whole fleet as it once was.
        self.observation = seen = replace(observation, workspaces=())
        users = seen.users
        standing = users.standing if isinstance(users, People) else users
        parts = (rules, standing, seen.groups, seen.templates, seen.organizations,
                 seen.deployment, seen.default_quiet_hours, seen.gaps)  # fmt: skip
        # They live as long as this does, so nothing else can have their ids.
        self._parts = tuple(map(id, parts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ground) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(self._parts)


class _Places:
    """Finds every workspace's windows; each kind is worked out once."""

    def __init__(self, ground: _Ground) -> None:
        rules, observation = ground.rules, ground.observation
        names = Names(observation)
        self._rules = rules
        self._observation = observation
        ranked = sorted(rules.rules, key=lambda rule: -rule.scope.rank)
        self._ranked = [(rule, applies(rule.scope, observation, names=names)) for rule in ranked]
        self._vacations: list[tuple[Vacation, Applies]] = [
            (one, applies(one.scope, observation, names=names)) for one in rules.vacations
        ]
        self._keys = tuple(
            key for kind, key in _KEYS.items() if any(getattr(one, kind) for one in rules.scopes)
        )
        self._native = rules.native and (offered(observation) or hidden(observation))
        self._gap = observation.lacks("quiet_hours", "users") if self._native else None
        self._known: dict[object, _Place | Night | None] = {}
        self._nights: dict[object, tuple[datetime, datetime, Night | None]] = {}
        gap = gap_in_groups(observation, rules.scopes)
        self.unknown = said(gap) if gap else ""

    def of(self, workspace: FleetWorkspace) -> _Place | Night | None:
        key: object = workspace.owner_id
        if self._keys:
            key = (key, *[getattr(workspace, name) for name in self._keys])
        try:
            return self._known[key]
        except KeyError:
            found = self._known[key] = self._find(workspace)
            return found

    def night(self, place: _Place, at: datetime) -> Night:
        """Tell how it is at a moment; the same for all moments up to a change, or of a day."""
        begin, end, known = self._nights.get(place.key, _NEVER)
        if known is not None and begin <= at < end:
            return known
        table, rule = place.timetable, place.rule
        state = table.state(at)
        grace = rule.grace if rule else None
        found = Night(
            place.label, table.zone, state.present, state.change, state.last_end, grace,
            day_off=table.off(at),
        )  # fmt: skip
        self._nights[place.key] = (at, _stays(table.zone, at, state.change), found)
        return found

    def _find(self, workspace: FleetWorkspace) -> _Place | Night | None:
        rule = next((rule for rule, fits in self._ranked if fits(workspace)), None)
        rank = rule.scope.rank if rule else -2.0
        native = self._native_of(workspace, rank) if self._native else None
        off = tuple(n for n, (_, fits) in enumerate(self._vacations) if fits(workspace))
        if isinstance(native, Night):
            return native
        if native is not None:
            return self._of_native(native, off)
        if rule is None:
            return None
        table = self._with(rule.timetable, off)
        return _Place(("rule", id(rule), off), f"rule {rule.name!r}", table, rule)

    def _native_of(self, workspace: FleetWorkspace, rank: float) -> QuietHours | Night | None:
        """Return the backend's quiet hours where they go before the rule found."""
        if rank > _OWN_RANK:
            return None
        user = self._observation.users.get(workspace.owner_id)
        own = user.quiet_hours if user else None
        if own is not None and own.user_set:
            return own
        if self._gap is not None and own is None:
            return _unknown(said(self._gap))
        if rank > _DEFAULT_RANK:
            return None
        return own or self._observation.default_quiet_hours

    def _of_native(self, hours: QuietHours, off: tuple[int, ...]) -> _Place | Night:
        try:
            daily = parse_daily(hours.schedule)
        except ValueError as error:
            return _unknown(f"the quiet hours kept by the backend can't be read: {error}.")
        label = "the user's own" if hours.user_set else "the deployment's default"
        windows = (Window(daily.at, daily.at),)
        bare = Timetable(
            daily.zone, windows, self._rules.holidays, length=self._rules.native_length
        )
        key = ("native", hours.schedule, hours.user_set, off)
        return _Place(key, label, self._with(bare, off))

    def _with(self, timetable: Timetable, off: tuple[int, ...]) -> Timetable:
        if not off:
            return timetable
        days = tuple(day for n in off for day in self._vacations[n][0].days)
        return replace(timetable, whole_days=(*timetable.whole_days, *days))


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER: tuple[datetime, datetime, Night | None] = (_LONG_AGO, _LONG_AGO, None)
_ALMOST_A_DAY = timedelta(hours=23)
"""The last hour of a day is left out: a clock that jumps could end it early."""


def _stays(zone: ZoneInfo, at: datetime, change: datetime | None) -> datetime:
    """Return until when nothing that a night tells can be another."""
    local = at.astimezone(zone)
    gone = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
    end = at + max(timedelta(0), _ALMOST_A_DAY - gone)
    return end if change is None else min(end, change)


_places = lru_cache(maxsize=8)(_Places)
"""A past is judged at one moment after the other, while users and groups stay the same."""


class Nights:
    """Finds every workspace's quiet hours at one moment; each kind is worked out once."""

    def __init__(self, rules: QuietRules, observation: Observation, at: datetime) -> None:
        self._at = at
        self._places = _places(_Ground(rules, observation))
        self._made: dict[tuple[object, ...], Night] = {}
        self.unknown = self._places.unknown
        """Why nobody's quiet hours can be known; empty: they can."""

    def of(self, workspace: FleetWorkspace) -> Night | None:
        """Return what is known of a workspace's quiet hours; None: it has none."""
        place = self._places.of(workspace)
        if not isinstance(place, _Place):
            return place
        found = self._made.get(place.key)
        if found is None:
            found = self._made[place.key] = self._places.night(place, self._at)
        return found


def offered(observation: Observation) -> bool:
    """Tell whether the deployment keeps quiet hours of its own that we may see."""
    return observation.deployment.source("quiet_hours") is Source.NATIVE


def hidden(observation: Observation) -> bool:
    """Tell whether nobody knows if the deployment keeps some: then anybody may have own ones."""
    unknown = observation.deployment.source("quiet_hours") is Source.UNAVAILABLE
    return unknown and observation.lacks("quiet_hours") is not None


def _unknown(why: str) -> Night:
    return Night("unknown", ZoneInfo("UTC"), unknown=why)
