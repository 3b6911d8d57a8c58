"""What `ports.governance.Governance` promises, by named SQL, within one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from carrel.domain.governance.acting import (
    Answer,
    Beginning,
    Freeze,
    Grant,
    PlanLine,
    Stopped,
    frozen_out,
    stop_limits,
)
from carrel.domain.governance.forgetting import Ages, OldPlan
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.governance.plans import ActionState, Deed, Plan, Progress, Purpose
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.warnings import Warned
from carrel.errors import NotFoundError
from carrel.stores import governance_statements as statements
from carrel.stores.cells import Cell, Connection, Record, moment_of, stored, text_of
from carrel.stores.governance_records import (
    action_row,
    before_cell,
    freeze_of,
    freeze_row,
    keep_of,
    keep_row,
    old_plan_of,
    plan_of,
    plan_row,
    progress_of,
    stopped_of,
    warning_of,
    warning_row,
)

_MINUTE = timedelta(minutes=1)
_EVERYTHING = 2**31 - 1


class SqlGovernance:
    """Part of a transaction; `SqlSession.governance` gives it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_plan(self, plan: Plan) -> bool:
        """Insert a plan, its actions waiting; tell whether it was new."""
        if self._rows(statements.PLAN_BY_ID, plan_id=plan.plan_id):
            return False
        self._connection.run(statements.ADD_PLAN, plan_row(plan, self._connection))
        rows = [action_row(plan, action, self._connection) for action in plan.actions]
        self._connection.run_many(statements.ADD_ACTION, rows)
        return True

    def plan(self, plan_id: str) -> Plan | None:
        """Return a plan."""
        rows = self._rows(statements.PLAN_BY_ID, plan_id=plan_id)
        return plan_of(rows[0]) if rows else None

    def plan_lines(self, fleet: str | None = None, *, limit: int | None = None) -> list[PlanLine]:
        """Return plans with how far they are, newest first."""
        most = _EVERYTHING if limit is None else limit
        if fleet is None:
            rows = self._rows(statements.PLANS, limit=most)
        else:
            rows = self._rows(statements.PLANS_OF, fleet=fleet, limit=most)
        return [self._line(dict(zip(statements.PLAN_LINE, row, strict=True))) for row in rows]

    def plan_ids(self, start: str) -> list[str]:
        """Return the ids of the plans that begin so."""
        rows = self._rows(statements.PLAN_IDS, start=start, size=len(start))
        return [str(plan_id) for (plan_id,) in rows]

    def progress(self, plan_id: str) -> list[Progress]:
        """Return how far a plan's actions are, by number."""
        return [progress_of(row) for row in self._rows(statements.PROGRESS_OF, plan_id=plan_id)]

    def under_way(self, fleet: str) -> list[Progress]:
        """Return the actions of all plans that were sent and are not over, oldest first."""
        return [progress_of(row) for row in self._rows(statements.UNDER_WAY, fleet=fleet)]

    def begin(self, beginning: Beginning, safety: Safety) -> Grant:
        """Mark a waiting action as sent, if nothing forbids it; see `ports.governance`."""
        where: dict[str, Cell] = {"plan_id": beginning.plan_id, "number": beginning.number}
        rows = self._connection.rows(statements.TO_BEGIN, where)
        if not rows:
            raise NotFoundError(
                "unknown_plan",
                f"There is no action {beginning.number} of a plan {beginning.plan_id!r}.",
                cure="`carrel plan ls` lists the plans.",
            )
        state, deed, stops, workspace_id, purpose, fleet = rows[0]
        if state != ActionState.WAITING:
            return Grant(Answer.TAKEN, f"It is {state} already.")
        refused = self._frozen(Deed(str(deed)), Purpose(str(purpose)))
        refused = refused or self._broken(beginning.plan_id, safety)
        if refused is None and stops:
            refused = self._beside(beginning, str(workspace_id), str(fleet))
        if refused is None and stops:
            refused = self._limited(beginning, Purpose(str(purpose)), str(fleet), safety)
        if refused is not None:
            return refused
        change: dict[str, Cell] = {
            "at": self._connection.moment(beginning.at),
            "holder": stored(beginning.holder),
            "build_number": beginning.build_number,
            "before": before_cell(beginning.before),
        }
        self._connection.run(statements.BEGIN, where | change)
        return Grant(Answer.GRANTED)

    def advance(self, before: ActionState, after: Progress) -> bool:
        """Write how far an action is, if it still was so; tell whether it was."""
        values: dict[str, Cell] = {
            "plan_id": after.plan_id,
            "number": after.number,
            "was": str(before),
            "state": str(after.state),
            "at": self._connection.moment(after.at),
            "build_id": stored(after.build_id),
            "note": stored(after.note),
        }
        return bool(self._connection.run(statements.ADVANCE, values))

    def stopped(self, fleet: str, since: datetime) -> list[Stopped]:
        """Return the stops that plans have done, oldest first."""
        values = {"fleet": stored(fleet), "since": self._connection.moment(since)}
        return [stopped_of(row) for row in self._connection.rows(statements.STOPPED, values)]

    def old_plans(self, fleet: str, ages: Ages, limit: int) -> list[OldPlan]:
        """Return the oldest plans that may be forgotten; see `ports.governance`."""
        kinds = ((statements.OVER_PLANS, ages.over), (statements.SHOWN_PLANS, ages.shown))
        found: list[OldPlan] = []
        for statement, before in kinds:
            where: dict[str, Cell] = {
                "fleet": stored(fleet),
                "before": self._connection.moment(before),
                "limit": limit - len(found),
            }
            rows = self._connection.rows(statement, where)
            found += [old_plan_of(row, shown=statement is statements.SHOWN_PLANS) for row in rows]
        return found

    def forget_plans(self, plan_ids: Sequence[str]) -> None:
        """Delete plans, and how far they were."""
        rows: list[dict[str, Cell]] = [{"plan_id": plan_id} for plan_id in plan_ids]
        self._connection.run_many(statements.FORGET_ACTIONS, rows)
        self._connection.run_many(statements.FORGET_PLAN, rows)

    def add_keep(self, keep: KeepAlive, fleet: str, workspace: str) -> None:
        """Insert a keep-alive lease."""
        row = keep_row(keep, fleet, workspace, self._connection)
        self._connection.run(statements.ADD_KEEP, row)

    def keeps(self, fleet: str, at: datetime) -> list[tuple[str, KeepAlive]]:
        """Return the leases in force at a moment, the first to end first."""
        values = {"fleet": stored(fleet), "at": self._connection.moment(at)}
        return [keep_of(row) for row in self._connection.rows(statements.KEEPS, values)]

    def end_keep(self, keep_id: str, at: datetime) -> bool:
        """End a lease before its time; tell whether it was still in force."""
        values = {"keep_id": stored(keep_id), "until": self._connection.moment(at)}
        return bool(self._connection.run(statements.END_KEEP, values))

    def freeze(self) -> Freeze | None:
        """Return the freeze in force."""
        rows = self._rows(statements.FREEZE_ROW)
        return freeze_of(rows[0]) if rows else None

    def put_freeze(self, freeze: Freeze) -> bool:
        """Freeze; tell whether nothing was frozen before, else the older one stays."""
        row = freeze_row(freeze, self._connection)
        return bool(self._connection.run(statements.PUT_FREEZE, row))

    def drop_freeze(self) -> bool:
        """End the freeze; tell whether there was one."""
        return bool(self._connection.run(statements.DROP_FREEZE, {}))

    def add_warnings(self, fleet: str, warnings: Sequence[Warned]) -> None:
        """Insert or replace warnings: one a workspace, build and due moment."""
        rows = [warning_row(fleet, warned, self._connection) for warned in warnings]
        self._connection.run_many(statements.ADD_WARNING, rows)

    def warnings(self, fleet: str, since: datetime) -> list[Warned]:
        """Return what was sent, or failed, since a moment, oldest first."""
        values = {"fleet": stored(fleet), "since": self._connection.moment(since)}
        return [warning_of(row) for row in self._connection.rows(statements.WARNINGS, values)]

    def _line(self, record: Record) -> PlanLine:
        plan_id = text_of(record, "plan_id")
        counts = {
            ActionState(str(state)): int(str(count))
            for state, count in self._rows(statements.STATES, plan_id=plan_id)
        }
        return PlanLine(
            plan_id=plan_id,
            purpose=Purpose(text_of(record, "purpose")),
            fleet=text_of(record, "fleet"),
            made_at=moment_of(record, "made_at"),
            made_by=text_of(record, "made_by"),
            undoes=text_of(record, "undoes"),
            states=counts,
        )

    def _frozen(self, deed: Deed, purpose: Purpose) -> Grant | None:
        freeze = self.freeze()
        if freeze is None or not frozen_out(deed, purpose):
            return None
        return Grant(Answer.FROZEN, f"{freeze.by} has frozen everything: {freeze.reason}")

    def _broken(self, plan_id: str, safety: Safety) -> Grant | None:
        wrong = self._count(statements.WENT_WRONG, plan_id=plan_id)
        if wrong < safety.max_failures:
            return None
        return Grant(
            Answer.BROKEN,
            f"{wrong} of its actions failed or are uncertain, "
            f"and {safety.max_failures} end a run (safety.max_failures).",
        )

    def _beside(self, beginning: Beginning, workspace_id: str, fleet: str) -> Grant | None:
        """Refuse when another plan stops the same: what was seen of it may be true no more."""
        values: dict[str, Cell] = {
            "workspace_id": workspace_id,
            "plan_id": beginning.plan_id,
            "looked_at": self._connection.moment(beginning.looked_at or beginning.at),
            "fleet": fleet,
        }
        if not int(str(self._connection.rows(statements.STOPS_BESIDE, values)[0][0])):
            return None
        return Grant(Answer.BESIDE, "Another plan stops it just now.")

    def _limited(
        self, beginning: Beginning, purpose: Purpose, fleet: str, safety: Safety
    ) -> Grant | None:
        limits = stop_limits(purpose, safety)
        begun = self._count(statements.STOPS_BEGUN, plan_id=beginning.plan_id)
        if limits.total is not None and begun >= limits.total:
            return Grant(Answer.CAPPED, f"A plan may stop {limits.total} workspaces.")
        under_way = self._count(statements.STOPS_UNDER_WAY, fleet=fleet)
        if under_way >= limits.concurrent:
            return Grant(Answer.TOO_MANY, f"{under_way} stops are under way.")
        return self._too_fast(beginning.at, fleet, limits.per_minute)

    def _too_fast(self, at: datetime, fleet: str, per_minute: int) -> Grant | None:
        since = self._connection.moment(at - _MINUTE)
        now = self._connection.moment(at)
        values: dict[str, Cell] = {"fleet": stored(fleet), "since": since, "at": now}
        rows = self._connection.rows(statements.STOPS_SINCE, values)
        if len(rows) < per_minute:
            return None
        # So many must fall out of the last minute that one more fits.
        leaving = rows[len(rows) - per_minute]
        sent = moment_of({"sent_at": leaving[0]}, "sent_at")
        return Grant(
            Answer.TOO_FAST,
            f"{len(rows)} stops were begun in the last minute.",
            sent.astimezone(UTC) + _MINUTE,
        )

    def _rows(self, statement: str, **values: str | int) -> Sequence[Sequence[object]]:
        return self._connection.rows(
            statement,
            {
                name: stored(value) if isinstance(value, str) else value
                for name, value in values.items()
            },
        )

    def _count(self, statement: str, **values: str | int) -> int:
        return int(str(self._rows(statement, **values)[0][0]))
