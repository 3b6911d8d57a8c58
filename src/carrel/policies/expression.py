"""Expressions: rules of your own in CEL, checked when read; anything but TRUE does nothing."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.reaching import Ruled, covers, wasted
from carrel.domain.governance.reading import Table
from carrel.domain.governance.returning import with_grace
from carrel.domain.governance.scopes import Applies, Names, Scope, applies, read_scope
from carrel.domain.governance.verdicts import Decide, Finding, Policy, Situation, Verdict, Wish
from carrel.domain.governance.withholding import gap_in_groups, said, withheld
from carrel.domain.records import dataclass
from carrel.errors import BadInputError

_NAME = "expression"
_WISHES = {"stop": Wish.STOP, "sleep": Wish.SLEEP, "keep": Wish.KEEP}
_STEP = timedelta(minutes=5)
"""An expression that looks at the time may change its answer this soon."""
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")

Fact = Callable[[FleetWorkspace, Situation], object]


def _minutes(since: datetime | None, at: datetime) -> int | None:
    return None if since is None else int((at - since).total_seconds() // 60)


def _groups(workspace: FleetWorkspace, situation: Situation) -> list[str]:
    observation = situation.observation
    user = observation.users.get(workspace.owner_id)
    ids = sorted(user.groups) if user else []
    return [observation.groups[one].name for one in ids if one in observation.groups]


FACTS: Mapping[str, tuple[str, Fact]] = {
    "name": ("STRING", lambda one, _: one.name),
    "owner": ("STRING", lambda one, _: one.owner),
    "organization": ("STRING", lambda one, _: one.organization),
    "template": ("STRING", lambda one, _: one.template),
    "groups": ("STRINGS", _groups),
    "at": ("TIMESTAMP", lambda _, now: now.at),
    "running": ("BOOL", lambda one, _: one.running),
    "running_minutes": ("INT", lambda one, now: _minutes(one.on_since, now.at)),
    "activity": ("STRING", lambda one, _: str(one.activity.work)),
    "idle_minutes": (
        "INT",
        lambda one, now: 0 if one.activity.work.active else _minutes(one.activity.since, now.at),
    ),
    "unused_minutes": ("INT", lambda one, now: _minutes(one.last_used_at, now.at)),
    "created_at": ("TIMESTAMP", lambda one, _: one.created_at),
    "last_used_at": ("TIMESTAMP", lambda one, _: one.last_used_at),
    "deadline": ("TIMESTAMP", lambda one, _: one.build.deadline),
    "ttl_minutes": ("INT", lambda one, _: one.ttl and int(one.ttl.total_seconds() // 60)),
    "started_by": ("STRING", lambda one, _: one.build.reason),
    "dormant": ("BOOL", lambda one, _: one.dormant_at is not None),
    "outdated": ("BOOL", lambda one, _: one.outdated),
    "healthy": ("BOOL", lambda one, _: one.healthy),
    "prebuild": ("BOOL", lambda one, _: one.is_prebuild),
    "task": ("STRING", lambda one, _: str(one.task)),
    "daily_credits": ("INT", lambda one, _: one.daily_credits),
}
"""What an expression may name. What is not known of a workspace is left out, and then the
expression is no TRUE."""

_OF_TIME = frozenset({"at", "running_minutes", "idle_minutes", "unused_minutes"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: for whom, when, and what then.

    Attributes:
        name: What reasons call it.
        scope: Whom it is about.
        when: The expression.
        wish: What is wanted where it is TRUE.
        reason: Why, in the words of who wrote it.
        compiled: The checked expression.
        uses: The facts that it names.
    """

    name: str
    scope: Scope
    when: str
    wish: Wish
    reason: str
    compiled: Any
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """`[policy.expression]`: the first rule that is TRUE counts, but keeping goes first."""

    rules: tuple[Rule, ...]

    @property
    def acts(self) -> bool:
        """Whether a rule wants anything but to keep."""
        return any(rule.wish is not Wish.KEEP for rule in self.rules)


class Expression:
    """Asks each rule; a rule to keep that can't be answered keeps."""

    name = _NAME
    summary = "Stops, puts to sleep or keeps what an expression of your own says."
    needs = frozenset({"workspaces"})
    protects = True

    def read(self, table: Mapping[str, object]) -> Settings:
        """Read `[policy.expression]`, and check every expression."""
        top = Table(f"policy.{_NAME}", table)
        top.switch("enabled", default=True)
        rules = [_rule(one) for one in top.tables("rule")]
        top.done()
        return Settings(tuple(sorted(rules, key=lambda rule: rule.wish is not Wish.KEEP)))

    def prepare(self, settings: object, situation: Situation) -> Decide:
        """Make scopes and shared verdicts ready."""
        observation = situation.observation
        names = Names(observation)
        asked = [
            _Asked(rule, applies(rule.scope, observation, names=names), situation)
            for rule in cast("Settings", settings).rules
        ]
        free = Verdict(_NAME, Wish.NOTHING, "No rule applies.")
        off = Verdict(_NAME, Wish.NOTHING, "It does not run.")

        def decide(workspace: FleetWorkspace) -> Verdict:
            if not workspace.on:
                return off
            unsure = None
            for one in asked:
                found = one.ask(workspace)
                if found is not None and found.wish is not Wish.NOTHING:
                    return found
                unsure = unsure or found
            return unsure or free

        return decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        """Find rules that are never reached, and patterns that fit nothing."""
        rules = cast("Settings", settings).rules
        found = [
            Finding(_NAME, rule.name, "error", f"It always says {rule.when}.", "Write a condition.")
            for rule in rules
            if rule.when.strip() in {"true", "false"}
        ]
        found += [
            Finding(_NAME, rule.name, "warning", f"{rule.when!r} looks at nothing of a workspace.",
                    "Name a fact, such as idle_minutes.")
            for rule in rules
            if not rule.uses and rule.when.strip() not in {"true", "false"}
        ]  # fmt: skip
        found += _repeated(rules)
        named = (Ruled(rule.name, rule.scope) for rule in rules)
        return found + wasted(_NAME, named, observation)


def _repeated(rules: tuple[Rule, ...]) -> list[Finding]:
    found: list[Finding] = []
    for n, rule in enumerate(rules):
        for before in rules[:n]:
            if before.when.strip() in {rule.when.strip(), "true"} and covers(
                before.scope, rule.scope
            ):
                why = f"It is never reached: rule {before.name!r} is true wherever it is."
                found.append(Finding(_NAME, rule.name, "error", why, "Take one away."))
                break
    return found


class _Asked:
    """One rule in one situation."""

    def __init__(self, rule: Rule, fits: Applies, situation: Situation) -> None:
        self._rule = rule
        self._fits = fits
        self._situation = situation
        self._facts = [(name, FACTS[name][1]) for name in rule.uses]
        until = situation.at + _STEP if _OF_TIME.intersection(rule.uses) else None
        reason = f"Rule {rule.name!r}: {rule.reason or rule.when}"
        self._true = Verdict(_NAME, rule.wish, reason, until, rule.name)
        self._false = Verdict(_NAME, Wish.NOTHING, f"Rule {rule.name!r} does not apply.", until)
        groups = Scope(groups=("*",)) if "groups" in rule.uses else rule.scope
        gap = gap_in_groups(situation.observation, (groups, rule.scope))
        self._gap = self._unsure(said(gap)) if gap else None

    def _unsure(self, why: str) -> Verdict:
        keeps = self._rule.wish is Wish.KEEP
        return withheld(_NAME, f"rule {self._rule.name!r}: {why}", protects=keeps)

    def ask(self, workspace: FleetWorkspace) -> Verdict | None:
        if self._gap is not None:
            return self._gap
        if not self._fits(workspace):
            return None
        facts = {name: fact(workspace, self._situation) for name, fact in self._facts}
        known = {name: value for name, value in facts.items() if value is not None}
        answer = self._rule.compiled.eval(data=known)
        value = answer.value()
        if value is True and answer.type() == _kinds().BOOL:
            returns = self._situation.flaps.get(workspace.workspace_id)
            return with_grace(self._true, returns, self._situation.at) if returns else self._true
        if value is False and answer.type() == _kinds().BOOL:
            return self._false
        return self._unsure(f"it gave no true or false ({value}).")


def _rule(table: Table) -> Rule:
    when, wish = table.text("when"), table.choice("wish", "stop", _WISHES)
    reason, scope = table.text("reason"), read_scope(table)
    name = table.text("name") or when
    table.done()
    if not when.strip():
        raise table.wrong("when", "there is no expression", 'such as "idle_minutes > 120"')
    words = set(_WORD.findall(_STRING.sub("''", when)))
    uses = tuple(fact for fact in FACTS if fact in words)
    return Rule(name, scope, when, _WISHES[wish], reason, _compiled(table, when), uses)


def _compiled(table: Table, when: str) -> Any:  # noqa: ANN401 - a type of an optional library
    facts = ", ".join(sorted(FACTS))
    try:
        found = _environment().compile(when)
    except RuntimeError as error:
        why = str(error).removeprefix("INVALID_ARGUMENT: ").split("\n")[0]
        raise table.wrong("when", why, f"a CEL expression over {facts}") from error
    if found.return_type() != _kinds().BOOL:
        raise table.wrong("when", f"it gives {found.return_type().name()}, not true or false")
    return found


@cache
def _cel() -> Any:  # noqa: ANN401 - a type of an optional library
    try:
        from cel_expr_python import cel  # type: ignore[import-untyped] # noqa: PLC0415 - optional
    except ImportError as error:
        raise BadInputError(
            "extra_missing",
            "Expressions need a library that is not installed.",
            why=f"{error}.",
            cure="Install it with `pip install 'carrel[policy]'`.",
        ) from error
    return cel


@cache
def _kinds() -> Any:  # noqa: ANN401 - a type of an optional library
    return _cel().Type


@cache
def _environment() -> Any:  # noqa: ANN401 - a type of an optional library
    kinds = _kinds()
    known = {
        name: kinds.List(kinds.STRING) if kind == "STRINGS" else getattr(kinds, kind)
        for name, (kind, _) in FACTS.items()
    }
    return _cel().NewEnv(variables=known)


POLICY: Policy = Expression()
