"""Explaining one workspace: every input, every rule, its verdict, the winner, the next change."""

from collections.abc import Iterable
from datetime import UTC, datetime

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.saying import moment, span
from carrel.domain.governance.verdicts import Situation, Verdict, Wish
from carrel.domain.records import dataclass
from carrel.planning.deciding import Configured, decide, prepare
from carrel.planning.precedence import Decision
from carrel.planning.stopping import stopping
from carrel.planning.timeline import Timeline, timeline


@dataclass(frozen=True, slots=True)
class Heard:
    """What one policy said.

    Attributes:
        verdict: Its verdict.
        summary: What the policy is for.
        outcome: `wins`, `agrees`, `follows`, `overruled`, `corrects` or `silent`.
    """

    verdict: Verdict
    summary: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something does or does not happen to a workspace.

    Attributes:
        workspace: Which.
        at: For which moment.
        answer: One sentence.
        inputs: What was looked at: pairs of a name and a value, for people.
        heard: What each policy said.
        decision: What came of it.
        timeline: What stops it, and when.
        next_change: When the answer may change next; None: not by time.
        gaps: What could not be seen.
    """

    workspace: FleetWorkspace
    at: datetime
    answer: str
    inputs: tuple[tuple[str, str], ...]
    heard: tuple[Heard, ...]
    decision: Decision
    timeline: Timeline
    next_change: datetime | None
    gaps: tuple[str, ...]


def explain(
    workspace: FleetWorkspace, policies: Iterable[Configured], situation: Situation
) -> Explanation:
    """Explain one workspace at the situation's moment."""
    configured = tuple(policies)
    decision = decide(prepare(configured, situation), [workspace])[0]
    heard = tuple(
        Heard(verdict, one.policy.summary, _outcome(verdict, decision))
        for one, verdict in zip(configured, decision.verdicts, strict=True)
    )
    observation = situation.observation
    return Explanation(
        workspace=workspace,
        at=situation.at,
        answer=_answer(decision, situation.at),
        inputs=tuple(_inputs(workspace, situation)),
        heard=heard,
        decision=decision,
        timeline=timeline(workspace, observation, situation.at, decision),
        next_change=decision.until,
        gaps=tuple(gap.told for gap in observation.gaps),
    )


def _outcome(verdict: Verdict, decision: Decision) -> str:
    if verdict.wish is Wish.CORRECT:
        return "corrects" if decision.corrections else "overruled"
    if verdict.wish is Wish.NOTHING:
        return "silent"
    if verdict is decision.winner:
        return "wins"
    if verdict in decision.following:
        return "follows"
    return "agrees" if verdict.wish is decision.wish else "overruled"


def _answer(decision: Decision, at: datetime) -> str:
    winner = decision.winner
    if winner is None:
        return _corrected(decision)
    if winner.wish is Wish.KEEP:
        return f"It is kept, by {winner.policy}: {winner.reason}"
    what = {
        Wish.STOP: "stopped",
        Wish.SLEEP: "stopped and made dormant",
        Wish.DELETE: "deleted, by a plan of its own",
    }[winner.wish]
    when = f"at {moment(winner.due, UTC)}" if winner.due and winner.due > at else "now"
    sleep = min(decision.following, key=lambda one: one.due or at, default=None)
    after = f" {sleep.policy} makes it dormant then." if sleep else ""
    return f"It is to be {what} {when}, by {winner.policy}: {winner.reason}{after}"


def _corrected(decision: Decision) -> str:
    """Say what is set right of a workspace that nobody wants to keep or to end."""
    told = " ".join(
        f"It is corrected, by {one.policy}: {one.reason}" for one in decision.corrections
    )
    return told or "Nothing is done to it: no policy wants anything."


def _inputs(workspace: FleetWorkspace, situation: Situation) -> Iterable[tuple[str, str]]:
    observation, at = situation.observation, situation.at
    build = workspace.build
    yield "seen", f"{moment(observation.at, UTC)}, {span(at - observation.at)} before"
    yield "latest build", f"{build.number}: {build.transition} {build.status} ({build.reason})"
    yield "a stop would be", str(stopping(build))
    yield "runs since", _when(workspace.running_since)
    yield "activity", f"{workspace.activity.work}: {workspace.activity.why}"
    yield "active or idle since", _when(workspace.activity.since)
    yield "last used", _when(workspace.last_used_at)
    yield "AI task", str(workspace.task)
    yield "time to live", span(workspace.ttl) if workspace.ttl else "none"
    yield "deadline", _when(build.deadline)
    yield "latest deadline", _when(build.max_deadline)
    yield "autostart", workspace.autostart or "none"
    yield "dormant since", _when(workspace.dormant_at)
    yield "deleted by the backend", _when(workspace.deleting_at)
    yield "owner's groups", _groups(workspace, observation)
    yield "owner's quiet hours", _quiet(workspace, observation)
    yield "keep-alives", str(len(situation.keeps.get(workspace.workspace_id, ())))
    yield "restarts after our stops", str(len(situation.flaps.get(workspace.workspace_id, ())))


def _when(at: datetime | None) -> str:
    return moment(at, UTC) if at else "none"


def _groups(workspace: FleetWorkspace, observation: Observation) -> str:
    user = observation.users.get(workspace.owner_id)
    if user is None:
        return "unknown"
    names = [observation.groups[one].name for one in user.groups if one in observation.groups]
    return ", ".join(sorted(names)) or "none"


def _quiet(workspace: FleetWorkspace, observation: Observation) -> str:
    user = observation.users.get(workspace.owner_id)
    own = user.quiet_hours if user else None
    if own is not None:
        return f"{own.schedule} ({'own' if own.user_set else 'default'})"
    default = observation.default_quiet_hours
    return f"{default.schedule} (default)" if default else "none seen"
