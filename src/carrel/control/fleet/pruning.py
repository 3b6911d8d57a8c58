"""Pruning as a person asks for it: whose workspaces, by which filters, in how long a night."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol, cast

from carrel.control.fleet import observing
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.saying import span
from carrel.domain.governance.scopes import Scope
from carrel.domain.governance.verdicts import Finding, Wish
from carrel.domain.records import dataclass
from carrel.errors import BadInputError
from carrel.planning.precedence import Decision

POLICY = "prune"
_DAY = timedelta(days=1)
_KINDS = ("organizations", "groups", "users", "templates")


@dataclass(frozen=True, slots=True)
class PruneFilters:
    """Which workspaces are looked at.

    A workspace counts when every kind that is included fits it, and nothing that is excluded
    does. Patterns fit names and ids without regard to case; `*` and `?` are wild. With neither
    a user nor anything included, only one's own workspaces count, unless everybody's are
    asked for.

    Attributes:
        all_users: Everybody's.
        user: Only this user's; not together with `include_users`.
        include_organizations: Only in these organizations.
        include_groups: Only of members of these groups.
        include_users: Only of these users.
        include_templates: Only made from these templates.
        exclude_organizations: Not in these.
        exclude_groups: Not of their members.
        exclude_users: Not of these.
        exclude_templates: Not made from these.
        duration: How long the backend's own quiet hours last; None: as the settings say.
    """

    all_users: bool = False
    user: str | None = None
    include_organizations: tuple[str, ...] = ()
    include_groups: tuple[str, ...] = ()
    include_users: tuple[str, ...] = ()
    include_templates: tuple[str, ...] = ()
    exclude_organizations: tuple[str, ...] = ()
    exclude_groups: tuple[str, ...] = ()
    exclude_users: tuple[str, ...] = ()
    exclude_templates: tuple[str, ...] = ()
    duration: timedelta | None = None


class _Settings(Protocol):
    """The settings of the policy, as far as they say who is left out."""

    @property
    def excluded(self) -> Scope: ...


def table(ctx: FleetContext, wanted: PruneFilters) -> dict[str, object]:
    """Return the table that is laid over `[policy.prune]`; may ask the backend who we are.

    What the settings exclude stays excluded: the filters can only add to it.

    Raises:
        BadInputError: `bad_options`, `bad_duration`.
    """
    if wanted.user is not None and wanted.include_users:
        raise BadInputError(
            "bad_options",
            "One user's workspaces and users to include were both asked for.",
            why="Each says whose workspaces count, and one would be passed over.",
            cure="Say --user for one of them, or --include-user for each.",
        )
    found: dict[str, object] = {}
    for side in ("include", "exclude"):
        for kind in _KINDS:
            patterns: tuple[str, ...] = getattr(wanted, f"{side}_{kind}")
            if patterns:
                before = _excluded(ctx, kind) if side == "exclude" else ()
                found[f"{side}_{kind}"] = list(dict.fromkeys((*before, *patterns)))
    if wanted.user is not None:
        found["include_users"] = [wanted.user]
    elif not wanted.all_users and not any(key.startswith("include") for key in found):
        found["include_users"] = [ctx.fleet.deployment().user]
    if wanted.duration is not None:
        found["duration_hours"] = _hours(wanted.duration)
    return found


def _hours(duration: timedelta) -> float:
    if not timedelta() < duration <= _DAY:
        raise BadInputError(
            "bad_duration",
            f"Quiet hours can't last {span(duration)}.",
            why="They come every day.",
            cure="Give more than nothing, and 24 hours at most.",
        )
    return duration / timedelta(hours=1)


def _excluded(ctx: FleetContext, kind: str) -> tuple[str, ...]:
    held = ctx.configured(POLICY)
    if held is None:
        return ()
    found: tuple[str, ...] = getattr(cast("_Settings", held.settings).excluded, kind)
    return found


@dataclass(frozen=True, slots=True)
class Prunable:
    """A workspace that runs within its owner's quiet hours.

    Attributes:
        workspace: Which.
        standing: `prune`; `active` where somebody is at work; `kept` by another policy.
        reason: A sentence.
        until: When that may change next; None: not by time.
    """

    workspace: FleetWorkspace
    standing: str
    reason: str
    until: datetime | None


def prunable(decisions: Iterable[Decision]) -> tuple[Prunable, ...]:
    """Return what runs within its owner's quiet hours and fits the filters, the doomed first."""
    found = filter(None, map(_prunable, decisions))
    return tuple(sorted(found, key=lambda one: (-_RANK[one.standing], one.workspace.full_name)))


def unfit(ctx: FleetContext) -> tuple[Finding, ...]:
    """Return what is wrong with the filters: names that fit nothing that was seen."""
    held = ctx.configured(POLICY)
    if held is None:
        return ()
    found = held.policy.check(held.settings, observing.recent(ctx))
    return tuple(one for one in found if one.rule == "filters")


_RANK = {"prune": 2, "active": 1, "kept": 0}


def _prunable(decision: Decision) -> Prunable | None:
    own = next((one for one in decision.verdicts if one.policy == POLICY), None)
    if own is None or own.category not in _RANK:
        return None
    winner = decision.winner
    if decision.wish is Wish.KEEP and winner is not None:
        return Prunable(decision.workspace, "kept", winner.reason, winner.until)
    return Prunable(decision.workspace, own.category, own.reason, own.until)
