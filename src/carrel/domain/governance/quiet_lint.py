"""What is odd in rules of quiet hours: never reached, never occurring, too short, overlapping."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from carrel.domain.fleet.observation import Observation
from carrel.domain.governance.quiet import QuietRule, QuietRules
from carrel.domain.governance.reaching import Ruled, lint_order
from carrel.domain.governance.saying import span
from carrel.domain.governance.verdicts import Finding
from carrel.domain.governance.windows import Days, Timetable, Window

_SOME_WEEK = date(2024, 1, 10)
"""Any week does to see how windows lie to each other."""
_WEEK = 7


def lint_quiet(
    policy: str,
    rules: QuietRules,
    observation: Observation | None,
    grace: timedelta = timedelta(),
) -> list[Finding]:
    """Find what is odd in rules of quiet hours.

    Args:
        policy: Whose rules they are.
        rules: The rules.
        observation: What was seen; None: only the settings are looked at.
        grace: How long after the beginning nothing is stopped, where a rule has none of its own.
    """
    ranked = sorted(rules.rules, key=lambda rule: -rule.scope.rank)
    order = [Ruled(one.name, one.scope) for one in ranked]
    found = lint_order(policy, order, observation, same_rank=True)
    for rule in rules.rules:
        found += _lint_windows(policy, rule, grace if rule.grace is None else rule.grace)
    if rules.native and rules.native_length <= grace:
        why = f"The grace of {span(grace)} outlasts the deployment's own quiet hours"
        found.append(Finding(policy, "native", "warning", f"{why} ({span(rules.native_length)}):"
                             " within them nothing is ever stopped.", _SHORTER))  # fmt: skip
    if observation is not None:
        found += _lint_days(policy, rules, observation)
    return found


_SHORTER = "Make the grace shorter, or the window longer."


def _lint_windows(policy: str, rule: QuietRule, grace: timedelta) -> list[Finding]:
    found: list[Finding] = []
    windows = rule.timetable.windows
    for n, one in enumerate(windows):
        other = next((two for two in windows[:n] if _overlap(two, one)), None)
        if other is not None:
            why = f"Windows {_said(other)} and {_said(one)} of rule {rule.name!r} overlap."
            cure = "They count as one; write them as one."
            found.append(Finding(policy, rule.name, "warning", why, cure))
    longest = _longest(rule.timetable)
    if windows and longest is None:
        why = f"The quiet hours of rule {rule.name!r} never end."
        found.append(Finding(policy, rule.name, "warning", why, "Leave out a day or an hour."))
    elif longest is not None and longest <= grace:
        why = f"The grace of {span(grace)} outlasts the quiet hours of rule {rule.name!r}"
        found.append(Finding(policy, rule.name, "error", f"{why} ({span(longest)}): within them"
                             " nothing is ever stopped.", _SHORTER))  # fmt: skip
    return found


def _longest(timetable: Timetable) -> timedelta | None:
    """Return how long quiet hours are at most, holidays aside; None: they never end, or none."""
    bare = replace(timetable, whole_days=(), free_days=())
    if not bare.windows:
        return None
    lengths = [one.end - one.start for one in bare.merged(_SOME_WEEK) if one.end is not None]
    longest = max(lengths, default=timedelta())
    return None if longest > timedelta(days=2 * _WEEK) else longest


def _overlap(one: Window, other: Window) -> bool:
    """Tell whether two windows overlap; those that only meet are written so on purpose."""
    return any(
        start < end_other and start_other < end
        for start, end in _in_week(one)
        for start_other, end_other in _in_week(other)
    )


def _in_week(window: Window) -> list[tuple[int, int]]:
    """Return the window's stretches in minutes of a week, and of the weeks around it."""
    start, end = (one.hour * 60 + one.minute for one in (window.start, window.end))
    length = (end - start) % (24 * 60) or 24 * 60
    first = [(day + 7 * week) * 24 * 60 + start for day in window.days for week in (-1, 0, 1)]
    return [(begin, begin + length) for begin in first]


def _said(window: Window) -> str:
    return f"{window.start:%H:%M}-{window.end:%H:%M}"


def _lint_days(policy: str, rules: QuietRules, seen: Observation) -> list[Finding]:
    found: list[Finding] = []
    for rule in rules.rules:
        table = replace(rule.timetable, whole_days=())
        if not table.windows or table.present(seen.at) or table.following(seen.at):
            continue
        why = f"The windows of rule {rule.name!r} do not occur: working_days leave them no day."
        found.append(Finding(policy, rule.name, "warning", why, "Look at working_days."))
    # A day is over in every zone only a day after it.
    today = (seen.at - timedelta(days=1)).date()
    for one in rules.vacations:
        if _over(one.days, today):
            why = f"The vacation of {one.scope} is over."
            found.append(Finding(policy, "vacation", "note", why, "Take it away."))
    if rules.holidays and _over(rules.holidays, today):
        cure = "Add those to come."
        found.append(Finding(policy, "holidays", "note", "All holidays are over.", cure))
    return found


def _over(days: Iterable[Days], today: date) -> bool:
    return all(one.last < today for one in days)
