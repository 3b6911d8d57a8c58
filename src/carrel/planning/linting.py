"""Linting: what is odd in policies, found before anything is done."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from carrel.domain.fleet.observation import Observation
from carrel.domain.governance.verdicts import Finding, Situation
from carrel.planning.deciding import Configured, decide, prepare
from carrel.planning.precedence import ACTING, Decision

_AHEAD = timedelta(days=7)
_STEP = timedelta(hours=3)
_SAMPLE = 200


def check_policies(
    policies: Iterable[Configured], observation: Observation | None
) -> tuple[Finding, ...]:
    """Lint all policies: each by itself, then what they do to each other on what was seen."""
    configured = tuple(policies)
    found = [
        finding for one in configured for finding in one.policy.check(one.settings, observation)
    ]
    if all(one.only_keeps for one in configured):
        found.append(
            Finding("policy", "", "note", "No policy in force stops anything.",
                    "Add a table such as [policy.quiet_hours].")
        )  # fmt: skip
    if observation is not None:
        found += _gaps(configured, observation)
        found += _together(configured, observation)
    ranked = sorted(found, key=lambda one: (_RANKS.get(one.severity, 9), one.policy))
    return tuple(dict.fromkeys(ranked))


_RANKS = {"error": 0, "warning": 1, "note": 2}


def _gaps(configured: tuple[Configured, ...], observation: Observation) -> list[Finding]:
    return [
        Finding(one.name, gap.what, "warning", f"It can't act: {gap.what} could not be seen.",
                gap.cure)
        for one in configured
        if (gap := observation.lacks(*one.policy.needs))
    ]  # fmt: skip


def _together(configured: tuple[Configured, ...], observation: Observation) -> list[Finding]:
    """Try a week ahead on a sample: who never acts, and who is always overruled."""
    sample = _sample(observation)
    wanted, carried = _week(configured, sample)
    found: list[Finding] = []
    for one in configured:
        if one.only_keeps or not sample.workspaces:
            continue
        if not wanted[one.name]:
            why = "Within the coming week it would act on nothing that was seen."
            found.append(Finding(one.name, "", "note", why))
        elif not carried[one.name]:
            why = "It is always overruled by a stronger policy on what was seen."
            cure = "`carrel policy explain` shows by which."
            found.append(Finding(one.name, "", "warning", why, cure))
    return found


def _week(
    configured: tuple[Configured, ...], sample: Observation
) -> tuple[Counter[str], Counter[str]]:
    """Count how often each policy wants to act within a week, and how often that is decided."""
    wanted: Counter[str] = Counter()
    carried: Counter[str] = Counter()
    at = sample.at
    while at < sample.at + _AHEAD:
        for decision in _at(configured, sample, at):
            right = (*decision.corrections, *decision.following)
            acting = [one for one in decision.verdicts if one.wish in ACTING or one in right]
            done = [one for one in acting if one in right or one.wish is decision.wish]
            wanted.update(one.policy for one in acting)
            carried.update(one.policy for one in done)
        at += _STEP
    return wanted, carried


def _sample(observation: Observation) -> Observation:
    """Take some workspaces evenly, on and off: a week's walk over all would take long."""
    kinds = ([one for one in observation.workspaces if one.on is on] for on in (True, False))
    steps = ((kind, max(1, -(-len(kind) // _SAMPLE))) for kind in kinds)
    taken = tuple(one for kind, step in steps for one in kind[::step])
    return replace(observation, workspaces=taken)


def _at(
    configured: tuple[Configured, ...], sample: Observation, at: datetime
) -> Iterable[Decision]:
    return decide(prepare(configured, Situation(at, sample)), sample.workspaces)
