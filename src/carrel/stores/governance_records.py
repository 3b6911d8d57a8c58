"""Rows about governing fleets into values, and values into rows."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import cast

from carrel.domain.governance.acting import Freeze, Stopped
from carrel.domain.governance.forgetting import OldPlan
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.governance.plans import (
    STOPPING,
    Action,
    ActionState,
    Deed,
    Plan,
    Progress,
    Purpose,
    Terms,
    canonical,
)
from carrel.domain.governance.warnings import Delivery, Warned
from carrel.errors import FailedError
from carrel.stores import governance_statements as statements
from carrel.stores.cells import (
    Cell,
    Connection,
    as_json,
    json_of,
    moment_of,
    number_of,
    record_of,
    stored,
    text_of,
)
from carrel.stores.packing import packed, unpacked

Row = Sequence[object]
Before = Mapping[str, str | int | None]


def plan_row(plan: Plan, connection: Connection) -> dict[str, Cell]:
    """Write a plan."""
    return {
        "plan_id": plan.plan_id,
        "hash": plan.hash,
        "purpose": str(plan.purpose),
        "fleet": stored(plan.fleet),
        "made_at": connection.moment(plan.made_at),
        "made_by": stored(plan.made_by),
        "undoes": plan.undoes,
        "body": packed(canonical(plan)),
    }


def action_row(plan: Plan, action: Action, connection: Connection) -> dict[str, Cell]:
    """Write an action that waits."""
    return {
        "plan_id": plan.plan_id,
        "number": action.number,
        "workspace_id": stored(action.workspace_id),
        "deed": str(action.deed),
        "stops": action.deed in STOPPING,
        "state": str(ActionState.WAITING),
        "at": connection.moment(plan.made_at),
        "sent_at": None,
        "holder": "",
        "build_number": 0,
        "build_id": "",
        "note": "",
        "before": "{}",
    }


def plan_of(row: Row) -> Plan:
    """Read a plan, and prove that it is what its hash says."""
    record = record_of(statements.PLAN, row)
    digest, plan_id = text_of(record, "hash"), text_of(record, "plan_id")
    try:
        body = unpacked(str(record["body"]))
    except ValueError as error:
        raise _changed(plan_id) from error
    if sha256(body.encode()).hexdigest() != digest or not digest.startswith(plan_id):
        raise _changed(plan_id)
    told = cast("dict[str, object]", json.loads(body))
    # Limits are counted by the columns: they say what the body says, or the plan was changed.
    if any(text_of(record, name) != told[name] for name in ("purpose", "fleet")):
        raise _changed(plan_id)
    return Plan(
        plan_id=plan_id,
        hash=digest,
        purpose=Purpose(str(told["purpose"])),
        fleet=str(told["fleet"]),
        made_at=datetime.fromisoformat(str(told["made_at"])),
        observed_at=datetime.fromisoformat(str(told["observed_at"])),
        made_by=str(told["made_by"]),
        actions=tuple(_action(one) for one in cast("list[dict[str, object]]", told["actions"])),
        held_back=tuple(
            (name, why) for name, why in cast("list[tuple[str, str]]", told["held_back"])
        ),
        notes=tuple(cast("list[str]", told["notes"])),
        undoes=str(told["undoes"]),
        terms=_terms(cast("Mapping[str, object]", told.get("terms", {}))),
    )


def old_plan_of(row: Row, *, shown: bool) -> OldPlan:
    """Read which plan may be forgotten."""
    record = record_of(statements.OLD_PLAN, row)
    return OldPlan(text_of(record, "plan_id"), moment_of(record, "made_at"), shown)


def _changed(plan_id: str) -> FailedError:
    return FailedError(
        "database_damaged",
        f"The plan {plan_id} is not what its hash says.",
        why="Somebody or something changed it in the database.",
        cure="Don't apply it: make a new plan.",
    )


def _terms(told: Mapping[str, object]) -> Terms:
    tables = cast("Mapping[str, Mapping[str, object]]", told.get("laid_over", {}))
    return Terms(bool(told.get("forced", False)), tables)


def _action(told: Mapping[str, object]) -> Action:
    due = told["due"]
    return Action(
        number=cast("int", told["number"]),
        deed=Deed(str(told["deed"])),
        workspace_id=str(told["workspace_id"]),
        workspace=str(told["workspace"]),
        owner_id=str(told["owner_id"]),
        policy=str(told["policy"]),
        reason=str(told["reason"]),
        due=datetime.fromisoformat(str(due)) if due else None,
        argument=cast("str | int | None", told["argument"]),
        expected_build=cast("int", told["expected_build"]),
        before=cast("Before", told["before"]),
        warn=bool(told["warn"]),
    )


def progress_of(row: Row) -> Progress:
    """Read how far an action is."""
    record = record_of(statements.PROGRESS, row)
    return Progress(
        plan_id=text_of(record, "plan_id"),
        number=number_of(record, "number"),
        state=ActionState(text_of(record, "state")),
        at=moment_of(record, "at"),
        build_id=text_of(record, "build_id"),
        note=text_of(record, "note"),
        sent_at=None if record["sent_at"] is None else moment_of(record, "sent_at"),
        holder=text_of(record, "holder"),
        build_number=number_of(record, "build_number"),
        before=cast("Before", json_of(record, "before")),
    )


def stopped_of(row: Row) -> Stopped:
    """Read a stop that was done."""
    record = record_of(("workspace_id", "at", "build_number", "before"), row)
    before = cast("Before", json_of(record, "before"))
    started = before.get("started_at")
    return Stopped(
        workspace_id=text_of(record, "workspace_id"),
        at=moment_of(record, "at"),
        build_number=number_of(record, "build_number"),
        started_at=datetime.fromisoformat(str(started)) if started else None,
        started_by=str(before.get("start_reason") or ""),
    )


def before_cell(before: Before) -> Cell:
    """Write what was there before an action."""
    return as_json(dict(before))


def keep_row(
    keep: KeepAlive, fleet: str, workspace: str, connection: Connection
) -> dict[str, Cell]:
    """Write a keep-alive lease."""
    return {
        "keep_id": stored(keep.keep_id),
        "fleet": stored(fleet),
        "workspace_id": stored(keep.workspace_id),
        "workspace": stored(workspace),
        "kept_by": stored(keep.by),
        "reason": stored(keep.reason),
        "at": connection.moment(keep.at),
        "until": connection.moment(keep.until),
    }


def keep_of(row: Row) -> tuple[str, KeepAlive]:
    """Read a keep-alive lease, and the name of what it keeps."""
    record = record_of(statements.KEEP, row)
    keep = KeepAlive(
        keep_id=text_of(record, "keep_id"),
        workspace_id=text_of(record, "workspace_id"),
        by=text_of(record, "kept_by"),
        reason=text_of(record, "reason"),
        at=moment_of(record, "at"),
        until=moment_of(record, "until"),
    )
    return text_of(record, "workspace"), keep


def freeze_row(freeze: Freeze, connection: Connection) -> dict[str, Cell]:
    """Write the freeze."""
    return {
        "scope": "all",
        "frozen_by": stored(freeze.by),
        "reason": stored(freeze.reason),
        "at": connection.moment(freeze.at),
    }


def freeze_of(row: Row) -> Freeze:
    """Read the freeze."""
    record = record_of(statements.FREEZE, row)
    return Freeze(text_of(record, "frozen_by"), text_of(record, "reason"), moment_of(record, "at"))


def warning_row(fleet: str, warned: Warned, connection: Connection) -> dict[str, Cell]:
    """Write a warning."""
    return {
        "fleet": stored(fleet),
        "workspace_id": stored(warned.workspace_id),
        "build_number": warned.build_number,
        "due": connection.moment(warned.due),
        "owner_id": stored(warned.owner_id),
        "at": connection.moment(warned.at),
        "delivery": str(warned.delivery),
        "recipient": stored(warned.recipient),
        "why": stored(warned.why),
        "plan_id": warned.plan_id,
    }


def warning_of(row: Row) -> Warned:
    """Read a warning."""
    record = record_of(statements.WARNING, row)
    return Warned(
        workspace_id=text_of(record, "workspace_id"),
        owner_id=text_of(record, "owner_id"),
        build_number=number_of(record, "build_number"),
        due=moment_of(record, "due"),
        at=moment_of(record, "at"),
        delivery=Delivery(text_of(record, "delivery")),
        recipient=text_of(record, "recipient"),
        why=text_of(record, "why"),
        plan_id=text_of(record, "plan_id"),
    )
