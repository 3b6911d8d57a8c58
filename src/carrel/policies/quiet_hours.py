"""Quiet hours: what runs when nobody should need it is stopped, after a grace and a warning."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.quiet import Night, Nights, QuietRules, offered, read_rules
from carrel.domain.governance.quiet_lint import lint_quiet
from carrel.domain.governance.reaching import unnamed, wasted
from carrel.domain.governance.reading import Table
from carrel.domain.governance.returning import doubled
from carrel.domain.governance.saying import moment, span
from carrel.domain.governance.scopes import Applies, Names, Scope, any_of, read_scope
from carrel.domain.governance.verdicts import Decide, Finding, Policy, Situation, Verdict, Wish
from carrel.domain.governance.windows import Stretch
from carrel.domain.governance.withholding import always, gap_in_groups, said, withheld
from carrel.domain.records import dataclass

_NAME = "quiet_hours"
STOPPING_NOW, IN_GRACE, PAST_END = "stopping_now", "in_grace", "running_past_end"
TTL_EXPIRED, NORMAL, EXCLUDED = "ttl_expired", "normal", "excluded"
CATEGORIES = (STOPPING_NOW, IN_GRACE, PAST_END, TTL_EXPIRED, NORMAL, EXCLUDED)
_OFF = Verdict(_NAME, Wish.NOTHING, "It does not run.", category=NORMAL)


@dataclass(frozen=True, slots=True)
class Settings:
    """`[policy.quiet_hours]`.

    Attributes:
        rules: Whose quiet hours are when.
        grace: How long after they began nothing is stopped.
        start_grace: The same for what was started inside them.
        warn: How long before a stop its owner is warned, within the grace.
        spare_active: Whether people at work are spared.
        excluded: Who is left alone by this policy.
        flap_limit: So many restarts after our stops, and it is left alone; 0: no limit.
    """

    rules: QuietRules
    grace: timedelta
    start_grace: timedelta
    warn: timedelta
    spare_active: bool
    excluded: Scope
    flap_limit: int


class QuietHours:
    """Stops what runs in its quiet hours."""

    name = _NAME
    summary = "Stops what runs in its owner's quiet hours, after a grace."
    needs = frozenset({"workspaces"})
    protects = False
    use_only_spares = True

    def read(self, table: Mapping[str, object]) -> Settings:
        """Read `[policy.quiet_hours]`."""
        top = Table(f"policy.{_NAME}", table)
        top.switch("enabled", default=True)
        grace = top.minutes("grace_minutes", 60)
        found = Settings(
            rules=read_rules(top),
            grace=grace,
            start_grace=top.minutes("start_grace_minutes", grace.total_seconds() / 60),
            warn=top.minutes("warn_minutes", 30),
            spare_active=top.switch("spare_active", default=False),
            excluded=read_scope(top, "excluded_"),
            flap_limit=top.whole("flap_limit", 3),
        )
        top.done()
        return found

    def prepare(self, settings: object, situation: Situation) -> Decide:
        """Work out every quiet stretch at the moment, once for each kind."""
        mine, observation = cast("Settings", settings), situation.observation
        gap = gap_in_groups(observation, (*mine.rules.scopes, mine.excluded))
        if mine.spare_active:
            gap = gap or observation.lacks("connections")
        if gap is not None:
            return always(withheld(_NAME, said(gap)))
        nights = Nights(mine.rules, observation, situation.at)
        spared = any_of(mine.excluded, observation, names=Names(observation))
        return _Judge(mine, situation, nights, spared).decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        """Find rules without effect, warnings longer than the grace, and wasted patterns."""
        mine = cast("Settings", settings)
        found = _check_times(mine) + lint_quiet(_NAME, mine.rules, observation, mine.grace)
        if observation is None:
            return found
        if mine.rules.native and not offered(observation):
            why = "The deployment offers no quiet hours of its own: only carrel.toml counts."
            severity, cure = (
                ("note", "") if mine.rules.rules else ("warning", "Set `start`, `end`.")
            )
            found.append(Finding(_NAME, "native", severity, why, cure))
        scopes = (*mine.rules.scopes, mine.excluded)
        return found + wasted(_NAME, unnamed(scopes), observation)


class _Judge:
    """One situation: verdicts that many workspaces share are made once."""

    def __init__(
        self, mine: Settings, situation: Situation, nights: Nights, spared: Applies
    ) -> None:
        self._mine = mine
        self._at = situation.at
        self._force = situation.force
        self._flaps = situation.flaps
        self._nights = nights
        self._spared = spared
        self._shared: dict[tuple[int, str], Verdict] = {}
        self._none = Verdict(_NAME, Wish.NOTHING, "No quiet hours are set for it.", category=NORMAL)
        self._excluded = Verdict(
            _NAME, Wish.NOTHING, f"Excluded from quiet hours: {mine.excluded}.", category=EXCLUDED
        )

    def decide(self, workspace: FleetWorkspace) -> Verdict:
        if not workspace.on:
            return _OFF
        if self._spared(workspace):
            return self._excluded
        night = self._nights.of(workspace)
        if night is None:
            return self._expired(workspace, None) or self._none
        if night.unknown:
            return self._same(night, "unknown", lambda: withheld(_NAME, night.unknown))
        if night.present is None:
            return self._outside(workspace, night)
        return self._inside(workspace, night, night.present)

    def _same(self, night: Night, what: str, make: Callable[[], Verdict]) -> Verdict:
        key = (id(night), what)
        found = self._shared.get(key)
        if found is None:
            found = self._shared[key] = make()
        return found

    def _outside(self, workspace: FleetWorkspace, night: Night) -> Verdict:
        expired = self._expired(workspace, night.change)
        if expired is not None:
            return expired
        since = workspace.on_since
        if night.last_end is not None and since is not None and since < night.last_end:
            return self._same(night, PAST_END, lambda: _past(night))
        return self._same(night, NORMAL, lambda: _normal(night))

    def _inside(self, workspace: FleetWorkspace, night: Night, now: Stretch) -> Verdict:
        if self._mine.spare_active and workspace.activity.work.active:
            why = f"Spared although its quiet hours are now: {workspace.activity.why}"
            return Verdict(_NAME, Wish.NOTHING, why, now.end, NORMAL)
        grace = self._mine.grace if night.grace is None else night.grace
        due = now.start + grace
        since = workspace.on_since
        flaps = self._flaps.get(workspace.workspace_id, ())
        flaps = tuple(at for at in flaps if at >= now.start) if flaps else ()
        if since is None or (since < now.start and not flaps):
            if due > self._at:
                return self._expired(workspace, due, forced=True) or self._same(
                    night, IN_GRACE, lambda: self._stop(night, now, due)
                )
            return self._same(night, STOPPING_NOW, lambda: self._stop(night, now, due))
        return self._restarted(night, now, max(since, now.start), len(flaps))

    def _restarted(self, night: Night, now: Stretch, since: datetime, flaps: int) -> Verdict:
        """Judge what was started inside: a grace of its own, doubled by each time it came back."""
        limit = self._mine.flap_limit
        if limit and flaps >= limit:
            why = (
                f"It was started again {flaps} times after a stop in these quiet hours, most"
                " likely by an editor that reconnects: left alone until they end."
            )
            return Verdict(_NAME, Wish.NOTHING, why, now.end, "flapping")
        grace = doubled(self._mine.start_grace, flaps)
        due = max(
            since + grace, now.start + (self._mine.grace if night.grace is None else night.grace)
        )
        if now.end is not None and due >= now.end:
            why = f"Started inside its quiet hours; its grace of {span(grace)} outlasts them."
            return Verdict(_NAME, Wish.NOTHING, why, now.end, NORMAL)
        return self._stop(night, now, due, f"It was started inside them at "
                          f"{moment(since, night.zone)} and has a grace of its own.")  # fmt: skip

    def _stop(self, night: Night, now: Stretch, due: datetime, more: str = "") -> Verdict:
        began = f"Its quiet hours ({night.said}) began at {moment(now.start, night.zone)}"
        over = due <= self._at
        ends = f"the grace {'ended' if over else 'ends'} at {moment(due, night.zone)}."
        return Verdict(
            policy=_NAME,
            wish=Wish.STOP,
            reason=" ".join(filter(None, (f"{began}; {ends}", more))),
            until=now.end if over else due,
            category=STOPPING_NOW if over else IN_GRACE,
            due=due,
            warn_from=max(now.start, due - self._mine.warn),
        )

    def _expired(
        self, workspace: FleetWorkspace, until: datetime | None, *, forced: bool = False
    ) -> Verdict | None:
        """Judge a time to live that has run out; during a grace it only counts when forced."""
        deadline = workspace.build.deadline
        if deadline is None or deadline > self._at or (forced and not self._force):
            return None
        ended = moment(deadline, UTC)
        if self._force:
            why = f"Its time to live ran out at {ended}, and this run is forced."
            return Verdict(_NAME, Wish.STOP, why, None, TTL_EXPIRED, due=deadline)
        why = f"Its time to live ran out at {ended}; a forced run would stop it."
        return Verdict(_NAME, Wish.NOTHING, why, until, TTL_EXPIRED)


def _past(night: Night) -> Verdict:
    ended = moment(cast("datetime", night.last_end), night.zone)
    why = f"It runs since before its quiet hours ({night.label}) ended at {ended}."
    return Verdict(_NAME, Wish.NOTHING, why, night.change, PAST_END)


def _normal(night: Night) -> Verdict:
    begins = f", which begin at {moment(night.change, night.zone)}" if night.change else ""
    why = f"Outside its quiet hours ({night.label}){begins}."
    return Verdict(_NAME, Wish.NOTHING, why, night.change, NORMAL)


def _check_times(mine: Settings) -> list[Finding]:
    found: list[Finding] = []
    if not mine.rules.rules and not mine.rules.native:
        found.append(Finding(_NAME, "", "warning", "No window is set: nothing is ever stopped.",
                             "Set `start` and `end`, or `native = true`."))  # fmt: skip
    if mine.warn > mine.grace:
        why = "Warnings go out when quiet hours begin: the grace is shorter than warn_minutes."
        found.append(Finding(_NAME, "warn_minutes", "note", why, "Make grace_minutes longer."))
    return found


POLICY: Policy = QuietHours()
