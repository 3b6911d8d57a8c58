"""Words and numbers that several reports share."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from carrel.domain.fleet.reports.report import Field, Kind, Value
from carrel.domain.fleet.workspaces import BuildStatus, FleetWorkspace, Transition

WORKSPACE = Field("workspace", "Workspace", Kind.NAME)
OWNER = Field("owner", "Owner", detail=True)
TEMPLATE = Field("template", "Template")
ORGANIZATION = Field("organization", "Organization", detail=True)
STATE = Field("state", "State", Kind.STATE)
WORKSPACE_ID = Field("workspace_id", "Id", detail=True)

_UNDER_WAY = {
    Transition.START: "starting",
    Transition.STOP: "stopping",
    Transition.DELETE: "deleting",
}
_DONE = {Transition.START: "running", Transition.STOP: "stopped", Transition.DELETE: "deleted"}
UNSEEN = "Nobody can tell: connections can't be seen."
MOST = 12
"""So many bars are read; what is beyond them is drawn as one."""


def state(workspace: FleetWorkspace) -> str:
    """Return the one word that says most about a workspace."""
    build = workspace.build
    if build.status.active:
        return _UNDER_WAY.get(build.transition, "building")
    if build.status in (BuildStatus.FAILED, BuildStatus.CANCELED):
        return str(build.status)
    if workspace.dormant_at is not None:
        return "dormant"
    return (
        _DONE.get(build.transition, "unknown") if build.status.value == "succeeded" else "unknown"
    )


def present(workspace: FleetWorkspace) -> bool:
    """Whether a workspace holds a machine or is about to: what a list shows unless told more."""
    return workspace.on or workspace.build.status.active


def hours(length: timedelta) -> float:
    """Return a length of time in hours, to the hundredth."""
    return round(length.total_seconds() / 3600, 2)


def by_size(numbers: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Return bars, the longest first; what is beyond the first few becomes one."""
    ordered = sorted(numbers.items(), key=lambda one: (-one[1], one[0]))
    if len(ordered) <= MOST:
        return tuple(ordered)
    rest = ordered[MOST - 1 :]
    return (*ordered[: MOST - 1], (f"{len(rest)} others", sum(one[1] for one in rest)))


def counted(names: Iterable[str]) -> tuple[tuple[str, float], ...]:
    """Return how often each name occurs, as bars."""
    return by_size({name: float(count) for name, count in Counter(names).items()})


def sorted_into(
    lengths: Iterable[timedelta], steps: Iterable[tuple[str, timedelta]], beyond: str
) -> tuple[tuple[str, float], ...]:
    """Return how many lengths lie below each step, each counted once, and how many beyond all."""
    known = tuple(steps)
    counts = dict.fromkeys([*(name for name, _ in known), beyond], 0.0)
    for length in lengths:
        counts[next((name for name, limit in known if length < limit), beyond)] += 1
    return tuple(counts.items())


def known(value: Value, seen: object) -> Value:
    """Return a number of the summary; None where nothing could be seen, which is not nothing."""
    return None if seen is None else value


def later(moments: Iterable[datetime | None]) -> datetime | None:
    """Return the latest of some moments that may be missing."""
    return max((one for one in moments if one is not None), default=None)
