"""The second half of the demonstration: a fleet's night, by the use-cases that everybody calls."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from carrel.control.fleet import applying, deciding, explaining, keeping, observing, plans, undoing
from carrel.control.fleet.applying import Report
from carrel.control.fleet.context import FleetContext
from carrel.control.fleet.keeping import Kept
from carrel.domain.fleet.workspaces import FleetWorkspace, Work
from carrel.domain.governance.plans import Action, ActionState, Plan, Progress, Purpose
from carrel.domain.governance.verdicts import Wish
from carrel.domain.ledger import first_break
from carrel.domain.records import dataclass
from carrel.errors import FailedError
from carrel.planning.explaining import Explanation

POLICY = "quiet_hours"
RULES = """\
[policy.quiet_hours]
start = "18:00"
end = "07:00"
grace_minutes = 60

[policy.exclusions]
templates = ["nightly-jobs"]
reason = "builds run at night"
"""
"""What the fleet is governed by, as it stands in carrel.toml."""

LIMITS = """
[safety]
max_stops_per_minute = 10
max_percent = 90
"""
REASON = "a release goes out tonight"
KEPT_FOR = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Sight:
    """A fleet at a moment.

    Attributes:
        at: When.
        running: How many workspaces run.
        in_use: How many of them somebody is at work in.
    """

    at: datetime
    running: int
    in_use: int


@dataclass(frozen=True, slots=True)
class Chain:
    """The ledger of the night.

    Attributes:
        events: How many events it has.
        intact: Nobody changed one.
    """

    events: int
    intact: bool


@dataclass(slots=True)
class Night:
    """One night of a fleet.

    Attributes:
        ctx: The fleet, with a database of its own.
    """

    ctx: FleetContext

    def look(self) -> Sight:
        """See how much runs."""
        on = [one for one in observing.observe(self.ctx).workspaces if one.on]
        used = sum(one.activity.work in {Work.CONNECTED, Work.WORKING} for one in on)
        return Sight(self.ctx.now(), len(on), used)

    def snooze(self) -> Kept:
        """Let somebody who is at work ask for more time.

        Raises:
            FailedError: `demo_failed`: nobody is at work.
        """
        decisions = deciding.decide(self.ctx, at=self.ctx.now() + timedelta(hours=1))
        for decision in decisions:
            if decision.wish is Wish.STOP and _somebody_in(decision.workspace):
                workspace = decision.workspace
                owner = replace(self.ctx, actor=workspace.owner)
                return keeping.snooze(owner, workspace.full_name, KEPT_FOR, REASON)
        raise FailedError("demo_failed", "Nobody is at work who would be stopped.")

    def plan(self) -> Plan:
        """Make the plan for the night, and store it; nothing is done yet."""
        return plans.store(self.ctx, self._plan())

    def apply(self, plan: Plan) -> tuple[Report, dict[datetime, int]]:
        """Apply a plan; return also how many stops had ended by each minute."""
        ended: Counter[datetime] = Counter()

        def told(action: Action, progress: Progress) -> None:
            if progress.state is ActionState.DONE and action.workspace_id:
                ended[progress.at.replace(second=0, microsecond=0)] += 1

        report = applying.apply(self.ctx, plan.plan_id, told)
        minutes, total = dict[datetime, int](), 0
        for minute in sorted(ended):
            total += ended[minute]
            minutes[minute] = total
        return report, minutes

    def again(self) -> Plan:
        """Look again: what is left to do?"""
        return self._plan()

    def explain(self, name: str) -> Explanation:
        """Explain one workspace."""
        return explaining.explain(self.ctx, name)

    def undo(self, plan: Plan) -> tuple[Plan, Report]:
        """Take the plan back."""
        made = undoing.undo(self.ctx, plan.plan_id)
        return made, applying.apply(self.ctx, made.plan_id)

    def chain(self) -> Chain:
        """Prove the ledger."""
        with self.ctx.store.reading() as session:
            events = list(session.events())
        return Chain(len(events), first_break(events) is None)

    def _plan(self) -> Plan:
        observing.observe(self.ctx)
        names = frozenset({POLICY})
        return deciding.plan(self.ctx, Purpose.QUIET_HOURS, policies=names, horizon=timedelta(0))


def _somebody_in(workspace: FleetWorkspace) -> bool:
    return workspace.activity.work is Work.CONNECTED
