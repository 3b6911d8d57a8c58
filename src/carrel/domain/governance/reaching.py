"""Which rules are never reached, and which meet on the same workspaces."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.scopes import KINDS, Names, Scope, applies, unmatched
from carrel.domain.governance.verdicts import Finding
from carrel.domain.records import dataclass

_PROBES = ("", "q\N{BULLET}", "q\N{BULLET}\N{BULLET}")
"""What a `*` may stand for; a pattern that fits with all of them fits whatever it stands for."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """A rule as far as reaching it goes.

    Attributes:
        name: What findings call it.
        scope: Whom it is about.
    """

    name: str
    scope: Scope


def covers(wide: Scope, narrow: Scope) -> bool:
    """Tell whether one scope fits all that another fits, whatever the fleet is."""
    return all(
        not patterns
        or (
            bool(others := getattr(narrow, kind))
            and all(any(_fits_all(one, other) for one in patterns) for other in others)
        )
        for kind in KINDS
        if (patterns := getattr(_needed(wide), kind)) is not None
    )


def _needed(scope: Scope) -> Scope:
    """Leave out kinds that fit everybody; not so groups: somebody may be in none."""
    named = [kind for kind in KINDS if kind != "groups" and "*" in getattr(scope, kind)]
    return replace(scope, **dict.fromkeys(named, ())) if named else scope


def _fits_all(wide: str, narrow: str) -> bool:
    wide, narrow = wide.casefold(), narrow.casefold()
    if wide == narrow:
        return True
    if "[" in wide or "[" in narrow:
        return wide == "*"
    narrow = narrow.replace("?", "\N{BULLET}")
    return all(fnmatchcase(narrow.replace("*", probe), wide) for probe in _PROBES)


def lint_order(
    policy: str, rules: Sequence[Ruled], observation: Observation | None, *, same_rank: bool = False
) -> list[Finding]:
    """Find rules that are never reached, and those that meet.

    Args:
        policy: Whose rules they are.
        rules: As they are tried: the first that fits counts.
        observation: What was seen; None: only the settings are looked at.
        same_rank: Rules of different rank are meant to meet: the more specific one counts.
    """
    found: list[Finding] = []
    reached: list[Ruled] = []
    for rule in rules:
        before = next((one for one in reached if covers(one.scope, rule.scope)), None)
        if before is None:
            reached.append(rule)
            continue
        why = f"Rule {rule.name!r} is never reached: {before.name!r} fits all that it fits."
        found.append(Finding(policy, rule.name, "error", why, _CURE))
    return found if observation is None else found + _seen(policy, reached, observation, same_rank)


def lint_scopes(
    policy: str, scopes: Sequence[Scope], observation: Observation | None
) -> list[Finding]:
    """Find rules without a name that are never reached, those that meet, and wasted patterns."""
    rules = unnamed(scopes)
    return lint_order(policy, rules, observation) + wasted(policy, rules, observation)


def unnamed(scopes: Iterable[Scope]) -> list[Ruled]:
    """Return rules without a name; findings call them by whom they are about."""
    return [Ruled(str(one), one) for one in scopes]


def wasted(policy: str, rules: Iterable[Ruled], observation: Observation | None) -> list[Finding]:
    """Find patterns that fit nothing that was seen."""
    named = [rule for rule in rules if not rule.scope.empty]
    if observation is None or not named:
        return []
    everything = Names(observation).everything(observation)
    return [
        Finding(policy, rule.name, "warning", f"Nothing that was seen fits {one!r}.", _WASTED)
        for rule in named
        for one in unmatched(rule.scope, everything)
    ]


_WASTED = "Correct the pattern, or take it away."
_CURE = "Put the narrower one first, join the two, or take one away."


def _seen(
    policy: str,
    rules: Sequence[Ruled],
    observation: Observation,
    same_rank: bool,  # noqa: FBT001 - handed on
) -> list[Finding]:
    """Try the rules on what was seen."""
    names = Names(observation)
    tests = [(one, applies(one.scope, observation, names=names)) for one in rules]
    first: dict[str, str] = {}
    counts: set[str] = set()
    met: dict[tuple[str, str], list[FleetWorkspace]] = {}
    for workspace in observation.workspaces:
        fitting = [one for one, fits in tests if fits(workspace)]
        if not fitting:
            continue
        winner = fitting[0]
        counts.add(winner.name)
        for other in fitting[1:]:
            if other.scope.empty:
                continue  # what is left for all others need not be needed
            first.setdefault(other.name, winner.name)
            if not same_rank or other.scope.rank == winner.scope.rank:
                met.setdefault((winner.name, other.name), []).append(workspace)
    found = [
        Finding(policy, name, "warning", f"Rule {name!r} counts for nothing that was seen: what it"
                f" fits falls under others, such as {by!r}.", _CURE)
        for name, by in first.items()
        if name not in counts
    ]  # fmt: skip
    return found + [
        Finding(policy, other, "warning" if same_rank else "note", f"Rules {winner!r} and"
                f" {other!r} overlap: both are about {_some(both)}; the first one counts.", _APART)
        for (winner, other), both in met.items()
        if other in counts
    ]  # fmt: skip


_APART = "Fine if that is meant; else make one of them narrower."


def _some(workspaces: Iterable[FleetWorkspace]) -> str:
    names = sorted(one.full_name for one in workspaces)
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
