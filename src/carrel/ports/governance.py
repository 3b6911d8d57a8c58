"""What Carrel remembers of governing fleets, as a port: part of a transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from carrel.domain.governance.acting import Beginning, Freeze, Grant, PlanLine, Stopped
from carrel.domain.governance.forgetting import Ages, OldPlan
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.governance.plans import ActionState, Plan, Progress
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.warnings import Warned


class Governance(Protocol):
    """Plans and their progress, keep-alive leases, the freeze, warnings.

    Part of a `Session`: what changes something needs one opened by `Store.writing`.
    """

    def add_plan(self, plan: Plan) -> bool:
        """Insert a plan, its actions waiting; tell whether it was new."""
        ...

    def plan(self, plan_id: str) -> Plan | None:
        """Return a plan.

        Raises:
            FailedError: `database_damaged` when it is not what its hash says.
        """
        ...

    def plan_lines(self, fleet: str | None = None, *, limit: int | None = None) -> list[PlanLine]:
        """Return plans with how far they are, newest first."""
        ...

    def plan_ids(self, start: str) -> list[str]:
        """Return the ids of the plans that begin so."""
        ...

    def progress(self, plan_id: str) -> list[Progress]:
        """Return how far a plan's actions are, by number."""
        ...

    def under_way(self, fleet: str) -> list[Progress]:
        """Return the actions of all plans that were sent and are not over, oldest first."""
        ...

    def begin(self, beginning: Beginning, safety: Safety) -> Grant:
        """Mark a waiting action as sent, if nothing forbids it: freeze, rates, caps, failures.

        Everything is counted in this transaction, so it holds over any number of processes.

        Raises:
            NotFoundError: `unknown_plan`.
        """
        ...

    def advance(self, before: ActionState, after: Progress) -> bool:
        """Write how far an action is, if it still was so; tell whether it was."""
        ...

    def stopped(self, fleet: str, since: datetime) -> list[Stopped]:
        """Return the stops that plans have done, oldest first."""
        ...

    def old_plans(self, fleet: str, ages: Ages, limit: int) -> list[OldPlan]:
        """Return the oldest plans that may be forgotten, so many at most.

        What a plan that is kept takes back is none of them.
        """
        ...

    def forget_plans(self, plan_ids: Sequence[str]) -> None:
        """Delete plans, and how far they were; the ledger keeps what they did."""
        ...

    def add_keep(self, keep: KeepAlive, fleet: str, workspace: str) -> None:
        """Insert a keep-alive lease."""
        ...

    def keeps(self, fleet: str, at: datetime) -> list[tuple[str, KeepAlive]]:
        """Return the leases in force at a moment, with `owner/name`, the first to end first."""
        ...

    def end_keep(self, keep_id: str, at: datetime) -> bool:
        """End a lease before its time; tell whether it was still in force."""
        ...

    def freeze(self) -> Freeze | None:
        """Return the freeze in force."""
        ...

    def put_freeze(self, freeze: Freeze) -> bool:
        """Freeze; tell whether nothing was frozen before, else the older one stays."""
        ...

    def drop_freeze(self) -> bool:
        """End the freeze; tell whether there was one."""
        ...

    def add_warnings(self, fleet: str, warnings: Sequence[Warned]) -> None:
        """Insert or replace warnings: one a workspace and due moment."""
        ...

    def warnings(self, fleet: str, since: datetime) -> list[Warned]:
        """Return what was sent, or failed, since a moment, oldest first."""
        ...
