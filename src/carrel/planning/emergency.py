"""The emergency stop: the whole fleet, in order, prebuild reconciliation paused first."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from carrel.domain.fleet.observation import Observation
from carrel.domain.governance.plans import Action, Deed, Plan, Purpose, sealed
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.verdicts import Verdict, Wish
from carrel.domain.records import dataclass
from carrel.planning.planner import Order, make
from carrel.planning.precedence import Decision

_POLICY = "emergency_stop"


@dataclass(frozen=True, slots=True)
class Emergency:
    """What somebody ordered.

    Attributes:
        at: When.
        made_by: Who.
        reason: Why, in their words.
        include_excluded: Whether exclusions are overruled; nothing else is ever spared.
        prebuilds_paused: Whether prebuilds are paused already; None: there are none to pause.
    """

    at: datetime
    made_by: str
    reason: str
    include_excluded: bool = False
    prebuilds_paused: bool | None = None


def stop_all(
    decisions: Iterable[Decision], observation: Observation, order: Emergency, safety: Safety
) -> Plan:
    """Make the plan: everything that runs stops now, apart from what is excluded.

    Working tasks, keep-alives and grace do not hold an emergency back; stale facts do.
    """
    verdict = Verdict(_POLICY, Wish.STOP, f"Emergency stop: {order.reason}", category=_POLICY)
    asked = [_overruled(one, verdict, order) for one in decisions if one.workspace.on]
    made = make(
        asked,
        observation,
        Order(
            Purpose.EMERGENCY_STOP,
            order.at,
            order.made_by,
            policies=frozenset({_POLICY}),
            cap=safety.max_emergency_stops,
        ),
        safety,
    )
    if order.prebuilds_paused is None or not made.actions:
        return made
    first = Action(
        number=1,
        deed=Deed.PAUSE_PREBUILDS,
        workspace_id="",
        workspace="",
        owner_id="",
        policy=_POLICY,
        reason="Else the backend makes the prebuilds anew that are stopped.",
        before={"paused": int(order.prebuilds_paused)},
    )
    later = tuple(replace(one, number=one.number + 1) for one in made.actions)
    return sealed(replace(made, actions=(first, *later)))


def _overruled(decision: Decision, verdict: Verdict, order: Emergency) -> Decision:
    excluded = next(
        (
            one
            for one in decision.verdicts
            if one.policy == "exclusions" and one.wish is Wish.KEEP and one.category != "prebuild"
        ),
        None,
    )
    if excluded is not None and not order.include_excluded:
        return replace(decision, winner=excluded, wish=Wish.KEEP, verdicts=(excluded, verdict))
    return replace(decision, winner=verdict, wish=Wish.STOP, verdicts=(verdict,))
