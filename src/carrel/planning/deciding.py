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


def prepare(policies: Iterable[Configured], situation: Situation) -> tuple[Decide, ...]:
    """Make policies ready for a situation; one that can't answer says so of every workspace."""
    return tuple(_prepared(one, situation) for one in policies)


def decide(
    prepared: tuple[Decide, ...], workspaces: Iterable[FleetWorkspace]
) -> tuple[Decision, ...]:
    """Decide about workspaces, in their order."""
    return tuple(
        settle(workspace, tuple([one(workspace) for one in prepared])) for workspace in workspaces
    )


def decide_fleet(policies: Iterable[Configured], situation: Situation) -> tuple[Decision, ...]:
    """Decide about a whole fleet at a situation's moment."""
    return decide(prepare(policies, situation), situation.observation.workspaces)


def _prepared(one: Configured, situation: Situation) -> Decide:
    policy = one.policy
    gap = situation.observation.lacks(*policy.needs)
    if gap is not None:
        return always(withheld(policy.name, said(gap), protects=policy.protects))
    try:
        ready = policy.prepare(one.settings, situation)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, nothing may be stopped
        return always(_broken(policy, error))
    return _guarded(policy, ready)


def _guarded(policy: Policy, ready: Decide) -> Decide:
    """Let an error in a policy keep the workspace that it happened with."""

    def decide_safely(workspace: FleetWorkspace) -> Verdict:
        try:
            return ready(workspace)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, nothing may be stopped
            return _broken(policy, error)

    return decide_safely


def _broken(policy: Policy, error: Exception) -> Verdict:
    why = f"Policy {policy.name!r} failed, so the workspace is kept: {error!r}."
    return Verdict(policy.name, Wish.KEEP, why, category=WITHHELD)
