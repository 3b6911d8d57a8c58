"""Whom a rule is about: patterns of organizations, groups, templates, users and workspaces."""

from collections.abc import Callable, Mapping
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

    A pattern fits a name or an id, without regard to case; `*` and `?` are wild. Workspaces are
    `owner/name`, or a name alone.
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


class Names:
    """The names that an observation gives to ids, ready for patterns; answers are remembered."""

    def __init__(self, observation: Observation) -> None:
        self._groups = {
            group_id: (group.name, group_id) for group_id, group in observation.groups.items()
        }
        self._users = observation.users

    def everything(self, observation: Observation) -> Mapping[str, set[str]]:
        """Return every name and id that patterns could fit, by kind."""
        found: dict[str, set[str]] = {kind: set() for kind in KINDS}
        for workspace in observation.workspaces:
            for kind in KINDS:
                found[kind].update(self.of(kind, workspace))
        for user in observation.users.values():
            found["users"].update((user.username.casefold(), user.user_id.casefold()))
        for template in observation.templates.values():
            found["templates"].update((template.name.casefold(), template.template_id.casefold()))
        for group in observation.groups.values():
            found["groups"].update((group.name.casefold(), group.group_id.casefold()))
        for one in observation.organizations.values():
            found["organizations"].update((one.name.casefold(), one.organization_id.casefold()))
        return found

    def of(self, kind: str, workspace: FleetWorkspace) -> frozenset[str]:
        """Return what patterns of a kind are held against, in lower case."""
        names = self._of_groups(workspace.owner_id) if kind == "groups" else _NAMES[kind](workspace)
        return frozenset(name.casefold() for name in names)

    def _of_groups(self, user_id: str) -> tuple[str, ...]:
        ids = sorted(self.groups_of(user_id))
        return tuple(name for one in ids for name in self._groups.get(one, (one,)))

    def groups_of(self, user_id: str) -> frozenset[str]:
        """Return the ids of a user's groups."""
        user = self._users.get(user_id)
        return user.groups if user else frozenset()

    def of_group(self, group_id: str) -> frozenset[str]:
        """Return what patterns of groups are held against for one group, in lower case."""
        return frozenset(name.casefold() for name in self._groups.get(group_id, (group_id,)))


_NAMES: Mapping[str, Callable[[FleetWorkspace], tuple[str, ...]]] = {
    "organizations": lambda one: (one.organization, one.organization_id),
    "templates": lambda one: (one.template, one.template_id),
    "users": lambda one: (one.owner, one.owner_id),
    "workspaces": lambda one: (one.full_name, one.name, one.workspace_id),
}


def matches(patterns: tuple[str, ...], names: frozenset[str] | set[str]) -> bool:
    """Tell whether any pattern fits any name; names are in lower case."""
    for pattern in patterns:
        low = pattern.casefold()
        if low in names or (
            any(wild in low for wild in "*?[") and any(fnmatchcase(name, low) for name in names)
        ):
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


def unmatched(scope: Scope, everything: Mapping[str, set[str]]) -> list[str]:
    """Return the patterns that fit nothing that there is, each with its kind."""
    return [
        f"{kind}: {pattern}"
        for kind in KINDS
        for pattern in getattr(scope, kind)
        if not matches((pattern,), everything[kind])
    ]
