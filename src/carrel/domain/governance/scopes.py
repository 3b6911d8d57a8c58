"""Whom a rule is about: patterns of organizations, groups, templates, users and workspaces."""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.reading import Table
from carrel.domain.records import dataclass

KINDS = ("organizations", "groups", "templates", "users", "workspaces")
"""What a scope can name, the widest first: the last one that it names tells how specific it is."""

Applies = Callable[[FleetWorkspace], bool]


@dataclass(frozen=True, slots=True)
class Scope:
    """Patterns by kind. Kinds that are named must all fit; within one kind any pattern may.

    A pattern fits a name, without regard to case; `*` and `?` are wild. An id is given whole.
    Workspaces are `owner/name`, or a name alone.
    """

    organizations: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    workspaces: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it names nothing."""
        return not any(getattr(self, kind) for kind in KINDS)

    @property
    def rank(self) -> int:
        """How specific it is: 0 for the whole fleet, 5 for workspaces by name."""
        return max((n for n, kind in enumerate(KINDS, 1) if getattr(self, kind)), default=0)

    def __str__(self) -> str:
        parts = [
            f"{kind} {', '.join(patterns)}" for kind in KINDS if (patterns := getattr(self, kind))
        ]
        return "; ".join(parts) or "the whole fleet"


def read_scope(table: Table, prefix: str = "") -> Scope:
    """Read the keys of a scope, such as `users` or `excluded_users`."""
    return Scope(**{kind: table.texts(prefix + kind) for kind in KINDS})


@dataclass(frozen=True, slots=True)
class Called:
    """What something is called, in lower case.

    Attributes:
        names: Its names.
        ids: Its ids. They are chance: a pattern that is wild fits none of them.
    """

    names: frozenset[str]
    ids: frozenset[str] = frozenset()


def called(names: Iterable[str], *ids: str) -> Called:
    """Return what patterns are held against."""
    return Called(
        frozenset(one.casefold() for one in names), frozenset(one.casefold() for one in ids)
    )


def _together(some: Iterable[Called]) -> Called:
    held = list(some)
    return Called(
        frozenset[str]().union(*(one.names for one in held)),
        frozenset[str]().union(*(one.ids for one in held)),
    )


class Names:
    """The names that an observation gives to ids, ready for patterns; answers are remembered."""

    def __init__(self, observation: Observation) -> None:
        self._groups = {key: (group.name,) for key, group in observation.groups.items()}
        self._users = observation.users

    def everything(self, observation: Observation) -> Mapping[str, Called]:
        """Return every name and id that patterns could fit, by kind."""
        found: dict[str, list[Called]] = {
            kind: [self.of(kind, one) for one in observation.workspaces] for kind in KINDS
        }
        found["users"] += [called((one.username,), key) for key, one in self._users.items()]
        found["templates"] += [
            called((one.name,), key) for key, one in observation.templates.items()
        ]
        found["groups"] += [self.of_group(one) for one in self._groups]
        found["organizations"] += [
            called((one.name,), key) for key, one in observation.organizations.items()
        ]
        return {kind: _together(some) for kind, some in found.items()}

    def of(self, kind: str, workspace: FleetWorkspace) -> Called:
        """Return what patterns of a kind are held against."""
        if kind == "groups":
            return _together(self.of_group(one) for one in self.groups_of(workspace.owner_id))
        return called(_NAMES[kind](workspace), _KEYS[kind](workspace))

    def groups_of(self, user_id: str) -> frozenset[str]:
        """Return the ids of a user's groups."""
        user = self._users.get(user_id)
        return user.groups if user else frozenset()

    def of_group(self, group_id: str) -> Called:
        """Return what patterns of groups are held against for one group."""
        return called(self._groups.get(group_id, ()), group_id)


_NAMES: Mapping[str, Callable[[FleetWorkspace], tuple[str, ...]]] = {
    "organizations": lambda one: (one.organization,),
    "templates": lambda one: (one.template,),
    "users": lambda one: (one.owner,),
    "workspaces": lambda one: (one.full_name, one.name),
}


def matches(patterns: tuple[str, ...], what: Called) -> bool:
    """Tell whether any pattern fits any name, or is an id."""
    for pattern in patterns:
        low = pattern.casefold()
        if low in what.names or low in what.ids:
            return True
        if any(wild in low for wild in "*?[") and any(fnmatchcase(one, low) for one in what.names):
            return True
    return False


_KEYS: Mapping[str, Callable[[FleetWorkspace], str]] = {
    "organizations": lambda workspace: workspace.organization_id,
    "templates": lambda workspace: workspace.template_id,
    "users": lambda workspace: workspace.owner_id,
    "workspaces": lambda workspace: workspace.workspace_id,
}


def applies(scope: Scope, observation: Observation, *, names: Names | None = None) -> Applies:
    """Make a scope ready: a function that answers fast for every workspace of an observation."""
    known = names or Names(observation)
    tests = [
        _remembering(kind, patterns, known) for kind in KINDS if (patterns := getattr(scope, kind))
    ]
    if not tests:
        return _everybody
    if len(tests) == 1:
        return tests[0]
    return lambda workspace: all(test(workspace) for test in tests)


def _everybody(_workspace: FleetWorkspace) -> bool:
    return True


def _nobody(_workspace: FleetWorkspace) -> bool:
    return False


def _in_groups(patterns: tuple[str, ...], names: Names) -> Applies:
    """Ask each group once: there are far fewer of them than of users."""
    answers: dict[str, bool] = {}

    def test(workspace: FleetWorkspace) -> bool:
        for group_id in names.groups_of(workspace.owner_id):
            found = answers.get(group_id)
            if found is None:
                found = answers[group_id] = matches(patterns, names.of_group(group_id))
            if found:
                return True
        return False

    return test


def _remembering(kind: str, patterns: tuple[str, ...], names: Names) -> Applies:
    if kind == "groups":
        return _in_groups(patterns, names)
    key, answers = _KEYS[kind], dict[str, bool]()

    def test(workspace: FleetWorkspace) -> bool:
        about = key(workspace)
        found = answers.get(about)
        if found is None:
            found = answers[about] = matches(patterns, names.of(kind, workspace))
        return found

    return test


def any_of(scope: Scope, observation: Observation, *, names: Names | None = None) -> Applies:
    """Make a list of exclusions ready: any kind that fits is enough; an empty one never fits."""
    known = names or Names(observation)
    tests = [
        _remembering(kind, patterns, known) for kind in KINDS if (patterns := getattr(scope, kind))
    ]
    if len(tests) < 2:  # noqa: PLR2004 - one alone needs no loop
        return tests[0] if tests else _nobody

    def test_all(workspace: FleetWorkspace) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs as much as the tests
            if test(workspace):
                return True
        return False

    return test_all


def unmatched(scope: Scope, everything: Mapping[str, Called]) -> list[str]:
    """Return the patterns that fit nothing that there is, each with its kind."""
    return [
        f"{kind}: {pattern}"
        for kind in KINDS
        for pattern in getattr(scope, kind)
        if not matches((pattern,), everything[kind])
    ]
