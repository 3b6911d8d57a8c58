"""What the fronts of fleets answer: how workspaces stand, and what a run did."""

from datetime import datetime

from carrel.control.fleet.applying import Report
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.plans import STOPPING, ActionState, Plan
from carrel.domain.records import dataclass

_NOT_DONE = frozenset({ActionState.FAILED, ActionState.UNCERTAIN})


@dataclass(frozen=True, slots=True)
class WorkspaceStanding:
    """How one workspace stands with a policy.

    Attributes:
        workspace: The workspace.
        category: The policy's word for it.
        reason: One sentence.
        due: When the policy will act, or since when it may; of a time to live, when it is over;
            None: it won't, or at once.
        until: When the answer may change next; None: not by time.
    """

    workspace: FleetWorkspace
    category: str
    reason: str
    due: datetime | None = None
    until: datetime | None = None

    @property
    def name(self) -> str:
        """`owner/name`."""
        return self.workspace.full_name

    def as_mapping(self) -> dict[str, object]:
        """Return it as JSON values."""
        build = self.workspace.build
        return {
            "workspace": self.name,
            "workspace_id": self.workspace.workspace_id,
            "owner": self.workspace.owner,
            "template": self.workspace.template,
            "organization": self.workspace.organization,
            "category": self.category,
            "reason": self.reason,
            "due": _said(self.due),
            "until": _said(self.until),
            "deadline": _said(build.deadline),
        }


@dataclass(frozen=True, slots=True)
class RunResults:
    """What a run did, or would do.

    Workspaces are `owner/name`.

    Attributes:
        dry_run: Nothing was done.
        plan_id: The plan, for `carrel plan show` and for `undo`; empty when there was nothing
            to do.
        end: Why the run ended: `over`, `waiting`, `frozen`, `capped`, `broken`, `busy`;
            empty when nothing was begun.
        why: The same in a sentence, or empty.
        planned: Everything that the plan is about, with the reason.
        done: What was done.
        stopped: What was stopped or paused.
        waiting: What waits for its time, a warning or a build, with the reason.
        skipped: What fresh facts spoke against, with the reason.
        failed: What failed, or may have, with what was said.
        held_back: What a policy would act on, and what spared it.
        notes: What a person must know: limits reached, what could not be seen.
    """

    dry_run: bool
    plan_id: str = ""
    end: str = ""
    why: str = ""
    planned: tuple[tuple[str, str], ...] = ()
    done: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    held_back: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing failed, and nothing broke the run off."""
        return not self.failed and self.end not in {"frozen", "capped", "broken"}

    def as_mapping(self) -> dict[str, object]:
        """Return it as JSON values."""
        pairs = ("planned", "waiting", "skipped", "failed", "held_back")
        plain = ("dry_run", "plan_id", "end", "why")
        return {
            **{name: getattr(self, name) for name in plain},
            **{name: list(getattr(self, name)) for name in ("done", "stopped", "notes")},
            **{name: [list(pair) for pair in getattr(self, name)] for name in pairs},
        }


def planned(plan: Plan) -> RunResults:
    """Tell what a plan would do."""
    return RunResults(
        dry_run=True,
        planned=tuple((one.workspace or plan.fleet, one.reason) for one in plan.actions),
        held_back=plan.held_back,
        notes=plan.notes,
    )


def applied(report: Report) -> RunResults:
    """Tell what a run over a plan did."""
    plan = report.plan
    names = {one.number: one.workspace or plan.fleet for one in plan.actions}
    stops = {one.number for one in plan.actions if one.deed in STOPPING}
    done = [one.number for one in report.progress if one.state is ActionState.DONE]
    waits = [one for one in report.progress if not one.state.over]
    return RunResults(
        dry_run=False,
        plan_id=plan.plan_id,
        end=str(report.end),
        why=report.why,
        planned=planned(plan).planned,
        done=tuple(dict.fromkeys(names[number] for number in done)),
        stopped=tuple(names[number] for number in done if number in stops),
        waiting=tuple((names[one.number], _waits(report, one.number, one.note)) for one in waits),
        skipped=_noted(report, names, frozenset({ActionState.SKIPPED})),
        failed=_noted(report, names, _NOT_DONE),
        held_back=plan.held_back,
        notes=plan.notes,
    )


def _waits(report: Report, number: int, note: str) -> str:
    return report.waits.get(number, note)


def _noted(
    report: Report, names: dict[int, str], states: frozenset[ActionState]
) -> tuple[tuple[str, str], ...]:
    return tuple((names[one.number], one.note) for one in report.progress if one.state in states)


@dataclass(frozen=True, slots=True)
class TTLReport:
    """How running workspaces stand with their times to live.

    Attributes:
        at: Of when it is.
        should_have_stopped: Their time is over, and they still run.
        will_stop_soon: Their time is over within the threshold.
        compliant: They stop by themselves, in time.
        drifting: Their time to live is not what the policy demands.
        unlimited: They never stop by themselves.
        unknown: They could not be judged.
    """

    at: datetime
    should_have_stopped: tuple[WorkspaceStanding, ...] = ()
    will_stop_soon: tuple[WorkspaceStanding, ...] = ()
    compliant: tuple[WorkspaceStanding, ...] = ()
    drifting: tuple[WorkspaceStanding, ...] = ()
    unlimited: tuple[WorkspaceStanding, ...] = ()
    unknown: tuple[WorkspaceStanding, ...] = ()

    @property
    def total(self) -> int:
        """How many workspaces run."""
        return sum(len(getattr(self, name)) for name in TTL_CATEGORIES.values())

    @property
    def compliance_percent(self) -> float | None:
        """How many of a hundred stop by themselves in time; None: nothing runs."""
        good = len(self.compliant) + len(self.will_stop_soon)
        return round(100 * good / self.total, 1) if self.total else None

    def as_mapping(self) -> dict[str, object]:
        """Return it as JSON values."""
        groups = {
            name: [one.as_mapping() for one in getattr(self, name)]
            for name in TTL_CATEGORIES.values()
        }
        facts = {"total": self.total, "compliance_percent": self.compliance_percent}
        return {"at": _said(self.at), **facts, **groups}


TTL_CATEGORIES = {
    "overdue": "should_have_stopped",
    "soon": "will_stop_soon",
    "compliant": "compliant",
    "drift": "drifting",
    "unlimited": "unlimited",
    "withheld": "unknown",
}
"""Where a report lists what the policy on times to live calls so."""


@dataclass(frozen=True, slots=True)
class ScheduledStop:
    """A stop that will come if nothing else happens.

    Attributes:
        at: When.
        workspace: `owner/name`.
        source: What stops it, such as `deadline` or `policy:quiet_hours`.
        by: Who does it: `native` is the backend, `ours` is Carrel.
        why: One sentence.
    """

    at: datetime
    workspace: str
    source: str
    by: str
    why: str


def _said(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
