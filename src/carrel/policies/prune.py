"""Prune: what runs within its owner's quiet hours is stopped and made dormant, by filters."""

from collections.abc import Mapping
from typing import cast

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.quiet import Nights, QuietRules, offered, read_rules
from carrel.domain.governance.quiet_lint import lint_quiet
from carrel.domain.governance.reaching import Ruled, unnamed, wasted
from carrel.domain.governance.reading import Table
from carrel.domain.governance.saying import moment
from carrel.domain.governance.scopes import (
    Applies,
    Names,
    Scope,
    any_of,
    applies,
    read_scope,
)
from carrel.domain.governance.verdicts import Decide, Finding, Policy, Situation, Verdict, Wish
from carrel.domain.governance.withholding import always, gap_in_groups, said, withheld
from carrel.domain.records import dataclass

_NAME = "prune"
_OFF = Verdict(_NAME, Wish.NOTHING, "It does not run.", category="off")


@dataclass(frozen=True, slots=True)
class Settings:
    """`[policy.prune]`.

    Attributes:
        rules: Whose quiet hours are when; `duration_hours` is the length of the backend's own.
        included: Only these; empty: all.
        excluded: These never, whatever includes them.
        spare_active: Whether people at work are spared.
    """

    rules: QuietRules
    included: Scope
    excluded: Scope
    spare_active: bool


class Prune:
    """Wants what runs in its owner's quiet hours to sleep; deletes nothing, ever."""

    name = _NAME
    summary = "Puts to sleep what runs in its owner's quiet hours, by filters."
    needs = frozenset({"workspaces"})
    protects = False
    use_only_spares = True

    def read(self, table: Mapping[str, object]) -> Settings:
        """Read `[policy.prune]`; the command's filters are laid over it before."""
        top = Table(f"policy.{_NAME}", table)
        top.switch("enabled", default=True)
        found = Settings(
            read_rules(top, native_key="duration_hours"),
            read_scope(top, "include_"),
            read_scope(top, "exclude_"),
            top.switch("spare_active", default=True),
        )
        top.done()
        return found

    def prepare(self, settings: object, situation: Situation) -> Decide:
        """Work out everybody's quiet hours at the moment."""
        mine, observation = cast("Settings", settings), situation.observation
        gap = gap_in_groups(observation, (*mine.rules.scopes, mine.included, mine.excluded))
        if mine.spare_active:
            gap = gap or observation.lacks("connections")
        if gap is not None:
            return always(withheld(_NAME, said(gap)))
        names = Names(observation)
        return _Judge(
            mine,
            Nights(mine.rules, observation, situation.at),
            applies(mine.included, observation, names=names),
            any_of(mine.excluded, observation, names=names),
        ).decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        """Find filters that fit nothing, and say where the windows come from."""
        mine = cast("Settings", settings)
        found = lint_quiet(_NAME, mine.rules, observation)
        filters = (Ruled("filters", scope) for scope in (mine.included, mine.excluded))
        found += wasted(_NAME, (*unnamed(mine.rules.scopes), *filters), observation)
        if observation is not None and not offered(observation):
            why = "Users have no quiet hours of their own here: only those of carrel.toml count."
            cure = "" if mine.rules.rules else "Set `start` and `end` in [policy.prune]."
            severity = "note" if mine.rules.rules else "warning"
            found.append(Finding(_NAME, "native", severity, why, cure))
        return found


class _Judge:
    """One situation."""

    def __init__(
        self, mine: Settings, nights: Nights, included: Applies, excluded: Applies
    ) -> None:
        self._mine = mine
        self._nights = nights
        self._included = included
        self._excluded = excluded
        self._shared: dict[int, Verdict] = {}
        self._left = Verdict(_NAME, Wish.NOTHING, "The filters leave it out.", category="filtered")
        self._none = Verdict(_NAME, Wish.NOTHING, "No quiet hours are set for it.")

    def decide(self, workspace: FleetWorkspace) -> Verdict:
        if not workspace.on or workspace.dormant_at is not None:
            return _OFF
        if not self._included(workspace) or self._excluded(workspace):
            return self._left
        night = self._nights.of(workspace)
        if night is None:
            return self._none
        if self._mine.spare_active and night.present and workspace.activity.work.active:
            why = f"Its quiet hours are now, but it is in use: {workspace.activity.why}"
            return Verdict(_NAME, Wish.NOTHING, why, night.change, "active")
        found = self._shared.get(id(night))
        if found is not None:
            return found
        if night.unknown:
            found = withheld(_NAME, night.unknown)
        elif night.present is None:
            why = f"Outside its quiet hours ({night.label})."
            found = Verdict(_NAME, Wish.NOTHING, why, night.change, "outside")
        else:
            began = moment(night.present.start, night.zone)
            why = f"It runs within its quiet hours ({night.said}), which began at {began}."
            found = Verdict(_NAME, Wish.SLEEP, why, night.change, "prune")
        self._shared[id(night)] = found
        return found


POLICY: Policy = Prune()
