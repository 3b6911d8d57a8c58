"""Plans and what became of them, as JSON documents."""

from typing import TYPE_CHECKING

from carrel.cli.plain import record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from carrel.control.fleet.applying import Report
    from carrel.control.fleet.plans import Standing
    from carrel.domain.governance.plans import Plan, Progress
    from carrel.domain.governance.verdicts import Verdict
    from carrel.domain.governance.warnings import Warned
    from carrel.planning.precedence import Decision


def plan_document(plan: "Plan") -> dict[str, object]:
    """Return a plan."""
    return {
        **record(plan),
        "stops": plan.stops,
        "held_back": [{"workspace": name, "why": why} for name, why in plan.held_back],
    }


def report_document(report: "Report") -> dict[str, object]:
    """Return what a run over a plan did."""
    return {
        "end": report.end,
        "why": report.why,
        "again_at": report.again_at,
        "progress": [
            {**progress_document(report.plan, one), "waits_for": report.waits.get(one.number, "")}
            for one in report.progress
        ],
    }


def warned_documents(plan: "Plan", warned: "Iterable[Warned]") -> list[dict[str, object]]:
    """Return who was told of what a plan will stop, and how that went."""
    names = {one.workspace_id: one.workspace for one in plan.actions}
    return [
        {
            "workspace": names.get(one.workspace_id, one.workspace_id),
            "delivery": one.delivery,
            "recipient": one.recipient,
            "stops_at": one.due,
            "why": one.why,
        }
        for one in warned
    ]


def standing_document(standing: "Standing") -> dict[str, object]:
    """Return a stored plan and how far it is."""
    return {
        "plan": plan_document(standing.plan),
        "progress": [progress_document(standing.plan, one) for one in standing.progress],
    }


def progress_document(plan: "Plan", progress: "Progress") -> dict[str, object]:
    """Return how far one action is."""
    action = plan.actions[progress.number - 1]
    return {
        "number": progress.number,
        "deed": action.deed,
        "workspace": action.workspace,
        "state": progress.state,
        "at": progress.at,
        "sent_at": progress.sent_at,
        "build_id": progress.build_id,
        "note": progress.note,
    }


def decision_document(decision: "Decision", policy: str) -> dict[str, object]:
    """Return what one policy says of a workspace, and what is decided."""
    workspace, verdict = decision.workspace, verdict_of(decision, policy)
    return {
        "workspace": workspace.full_name,
        "workspace_id": workspace.workspace_id,
        "organization": workspace.organization,
        "template": workspace.template,
        "running": workspace.running,
        "category": verdict.category if verdict else "",
        "reason": verdict.reason if verdict else "",
        "due": verdict.due if verdict else None,
        "until": verdict.until if verdict else None,
        "decision": decision.wish,
        "decided_by": decision.winner.policy if decision.winner else "",
        "decided_because": decision.winner.reason if decision.winner else "",
    }


def verdict_of(decision: "Decision", policy: str) -> "Verdict | None":
    """Return what a policy said of a workspace."""
    return next((one for one in decision.verdicts if one.policy == policy), None)
