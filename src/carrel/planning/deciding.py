"""Deciding: every policy is made ready once, then asked for every workspace of a fleet."""

from collections.abc import Iterable, Mapping
from typing import cast

from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.verdicts import (
    WITHHELD,
    Decide,
    Policy,
    Situation,
    Verdict,
    Wish,
)
from carrel.domain.governance.withholding import always, said, withheld
from carrel.domain.records import dataclass
from carrel.errors import RefusedError
from carrel.planning.precedence import Decision, settle

ALWAYS = ("exclusions", "keep_alive", "working")
"""Policies that are in force without a table of their own: they only ever keep."""


@dataclass(frozen=True, slots=True)
class Configured:
    """A policy with its settings."""

    policy: Policy
    settings: object

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.policy.name

    @property
    def only_keeps(self) -> bool:
        """Whether it never wants anything but to keep."""
        return self.policy.protects and not getattr(self.settings, "acts", False)


def in_force(tables: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names of the policies that count, given the tables of `[policy]`.

    A table puts its policy into force unless it says `enabled = false`. Those that only keep need
    no table.
    """
    names = dict.fromkeys((*ALWAYS, *tables))
    return tuple(name for name in names if _enabled(tables.get(name)))


def overlaid(
    tables: Mapping[str, Mapping[str, object]], over: Mapping[str, Mapping[str, object]]
) -> Mapping[str, Mapping[str, object]]:
    """Lay tables over those of the settings, key by key; each puts its policy into force.

    Raises:
        RefusedError: `policy_switched_off` when the settings switch off what is laid over.
    """
    found = dict(tables)
    for name, table in over.items():
        held = found.get(name, {})
        if not _enabled(held):
            raise RefusedError(
                "policy_switched_off",
                f"The policy {name!r} is switched off.",
                why=f"[policy.{name}] in carrel.toml says enabled = false.",
                cure="Take that line away, or say enabled = true.",
            )
        found[name] = {**held, **table}
    return found


_WINDOWS = frozenset({"start", "end", "days", "windows", "rule", "timezone", "holidays",
                      "working_days", "vacation", "native"})  # fmt: skip
_SETTING = frozenset({"start", "end", "windows", "rule"})


def table_of(tables: Mapping[str, Mapping[str, object]], name: str) -> dict[str, object]:
    """Return what a policy reads: its table without the switch.

    Pruning without windows of its own goes by those of the quiet hours, enabled or not.
    """
    found = {key: value for key, value in tables.get(name, {}).items() if key != "enabled"}
    if name == "prune" and not _SETTING & found.keys():
        night = tables.get("quiet_hours", {})
        found = {**{key: night[key] for key in night if key in _WINDOWS}, **found}
    return found


def _enabled(table: object) -> bool:
    return not isinstance(table, Mapping) or (
        cast("Mapping[str, object]", table).get("enabled", True) is not False
    )


@dataclass(frozen=True, slots=True)
class Ready:
    """A policy that is ready for a situation; an error in it keeps the workspace it happened with.

    Attributes:
        policy: Which.
        answer: Its answers, which may fail.
    """

    policy: Policy
    answer: Decide

    def __call__(self, workspace: FleetWorkspace) -> Verdict:
        """Ask for a workspace."""
        try:
            return self.answer(workspace)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, nothing may be stopped
            return _broken(self.policy, error)


def prepare(policies: Iterable[Configured], situation: Situation) -> tuple[Ready, ...]:
    """Make policies ready for a situation; one that can't answer says so of every workspace."""
    return tuple(_prepared(one, situation) for one in policies)


def decide(
    prepared: tuple[Ready, ...], workspaces: Iterable[FleetWorkspace]
) -> tuple[Decision, ...]:
    """Decide about workspaces, in their order."""
    answers = [one.answer for one in prepared]

    def verdicts(workspace: FleetWorkspace) -> tuple[Verdict, ...]:
        try:
            return tuple([answer(workspace) for answer in answers])
        except Exception:  # noqa: BLE001 - now each is asked alone: which one fails?
            return tuple([one(workspace) for one in prepared])

    return tuple(settle(workspace, verdicts(workspace)) for workspace in workspaces)


def decide_fleet(policies: Iterable[Configured], situation: Situation) -> tuple[Decision, ...]:
    """Decide about a whole fleet at a situation's moment."""
    return decide(prepare(policies, situation), situation.observation.workspaces)


def _prepared(one: Configured, situation: Situation) -> Ready:
    policy = one.policy
    gap = situation.observation.lacks(*policy.needs)
    if gap is not None:
        verdict = withheld(policy.name, said(gap), protects=policy.protects)
        return Ready(policy, always(verdict))
    try:
        return Ready(policy, policy.prepare(one.settings, situation))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, nothing may be stopped
        return Ready(policy, always(_broken(policy, error)))


def _broken(policy: Policy, error: Exception) -> Verdict:
    why = f"Policy {policy.name!r} failed, so the workspace is kept: {error!r}."
    return Verdict(policy.name, Wish.KEEP, why, category=WITHHELD)
