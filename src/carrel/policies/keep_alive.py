"""Keep-alive leases: a workspace goes on until the moment that somebody asked for, within a cap."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.governance.reading import Table
from carrel.domain.governance.saying import moment, span
from carrel.domain.governance.verdicts import Decide, Finding, Policy, Situation, Verdict, Wish
from carrel.domain.records import dataclass
from carrel.errors import BadInputError, LimitError

_NAME = "keep_alive"


@dataclass(frozen=True, slots=True)
class Settings:
    """`[policy.keep_alive]`.

    Attributes:
        longest: How long one lease may be.
        require_reason: Whether a lease needs a reason.
    """

    longest: timedelta
    require_reason: bool

    def grant(self, at: datetime, wanted: timedelta, reason: str) -> datetime:
        """Return until when a lease may last.

        Raises:
            BadInputError: `bad_keep_alive`: no time, or no reason where one is needed.
            LimitError: `keep_alive_too_long`.
        """
        if wanted <= timedelta():
            raise BadInputError(
                "bad_keep_alive",
                "A keep-alive needs a time to last.",
                cure="Say for how long, such as 2h.",
            )
        if self.require_reason and not reason.strip():
            raise BadInputError(
                "bad_keep_alive", "A keep-alive needs a reason here.", cure="Say why."
            )
        if wanted > self.longest:
            raise LimitError(
                "keep_alive_too_long",
                f"A keep-alive may last {span(self.longest)}, not {span(wanted)}.",
                cure="Ask for less, and again later; or change policy.keep_alive.max_hours.",
            )
        return at + wanted


class KeepAlives:
    """Keeps what somebody holds a lease on, never longer than the cap."""

    name = _NAME
    summary = "Keeps what somebody snoozed, within the longest time allowed."
    needs = frozenset[str]()
    protects = True

    def read(self, table: Mapping[str, object]) -> Settings:
        """Read `[policy.keep_alive]`."""
        top = Table(f"policy.{_NAME}", table)
        top.switch("enabled", default=True)
        longest = top.hours("max_hours", 12)
        if longest <= timedelta():
            raise top.wrong("max_hours", "nothing could be kept", "above 0")
        found = Settings(longest, top.switch("require_reason", default=False))
        top.done()
        return found

    def prepare(self, settings: object, situation: Situation) -> Decide:
        """Pick the lease of each workspace that lasts longest."""
        longest = cast("Settings", settings).longest
        free = Verdict(_NAME, Wish.NOTHING, "Nobody asked to keep it.")
        kept = {
            workspace_id: verdict
            for workspace_id, leases in situation.keeps.items()
            if (verdict := _verdict(leases, longest, situation.at))
        }

        def decide(workspace: FleetWorkspace) -> Verdict:
            return kept.get(workspace.workspace_id, free)

        return decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        """Find nothing: leases are made and ended by command."""
        _ = settings, observation
        return []


def _verdict(leases: tuple[KeepAlive, ...], longest: timedelta, at: datetime) -> Verdict | None:
    live = [(min(one.until, one.at + longest), one) for one in leases if one.at <= at]
    until, lease = max(live, key=lambda pair: (pair[0], pair[1].keep_id), default=(None, None))
    if until is None or lease is None or until <= at:
        return None
    why = f": {lease.reason}" if lease.reason else "."
    reason = f"{lease.by} keeps it until {moment(until, UTC)}{why}"
    return Verdict(_NAME, Wish.KEEP, reason, until, "kept")


POLICY: Policy = KeepAlives()
