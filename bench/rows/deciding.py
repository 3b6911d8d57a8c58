"""Verdicts a second: a fleet of 10,000 workspaces, every policy that there is, one core."""

import statistics
import time
from collections.abc import Iterator, Mapping
from typing import cast

from harness.figures import Row

from carrel.domain.governance.verdicts import Policy, Situation
from carrel.planning.deciding import Configured, decide_fleet
from carrel.plugins import Catalog
from carrel.system.collector import put_off
from carrel.testing.observations import fleet

_GOAL = 200_000
EIGHT: Mapping[str, Mapping[str, object]] = {
    "exclusions": {"users": ["user1*"], "groups": ["team-g3"]},
    "keep_alive": {},
    "working": {},
    "quiet_hours": {
        "start": "18:00",
        "end": "08:00",
        "timezone": "Europe/Berlin",
        "rule": [{"groups": ["team-g1"], "start": "20:00", "end": "06:00"}],
    },
    "time_to_live": {"required_hours": 10, "max_hours": 72},
    "autostop": {"idle_hours": 4, "max_hours": 48},
    "prune": {"start": "18:00", "end": "08:00"},
    "dormancy": {"unused_days": 30},
}
"""The eight of the goal."""
_MORE: Mapping[str, Mapping[str, object]] = {
    "budget": {"prices": {"*": 0.5}, "limit": [{"user": "*", "amount": 100}]},
    "expression": {"rule": [{"when": "idle_minutes > 600 && template == 'gpu'"}]},
}


def rows(*, quick: bool) -> Iterator[Row]:
    """Decide about the same fleet again and again; making ready counts."""
    size = 2_000 if quick else 10_000
    seen = fleet(workspaces=size, users=size * 3 // 10, groups=40)
    situation = Situation(seen.at, seen, spent={"user:user1": 3.0})
    rounds = 3 if quick else 7
    eight = [_rate(configured(EIGHT), situation) for _ in range(rounds)]
    ten = [_rate(configured({**EIGHT, **_MORE}), situation) for _ in range(rounds)]
    middle = statistics.median(eight)
    yield Row(
        operation=f"decide {size:,} workspaces × {len(EIGHT)} policies",
        goal=f"≥ {_GOAL:,} verdicts/s",
        measured=f"{middle:,.0f} ({min(eight):,.0f} to {max(eight):,.0f})",
        times=f"{size * len(EIGHT) / middle:.2f} s",
        reached=middle >= _GOAL,
        gap="" if middle >= _GOAL else f"{_GOAL / middle:.2g}× short",
        notes=(f"With a budget and an expression too: {statistics.median(ten):,.0f}.",),
        samples={"verdicts_per_s": eight, "ten_verdicts_per_s": ten},
    )


def configured(tables: Mapping[str, Mapping[str, object]]) -> tuple[Configured, ...]:
    """Return policies with their settings, by their tables."""
    catalog = Catalog("carrel.policies", "POLICY", "unknown_policy")
    policies = {name: cast("Policy", catalog.load(name)) for name in tables}
    return tuple(Configured(one, one.read(tables[name])) for name, one in policies.items())


def _rate(held: tuple[Configured, ...], situation: Situation) -> float:
    began = time.process_time()
    with put_off():  # as wherever a whole fleet is decided about
        decisions = decide_fleet(held, situation)
    return len(decisions) * len(held) / (time.process_time() - began)
