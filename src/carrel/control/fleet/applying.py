"""Applying a plan: each action is checked on fresh facts, begun by a row, followed to its end.

Safe to repeat, to kill at any instruction and to run in several processes at once: an action is
begun by whoever moves its row from *waiting* to *sent*, and what was sent is read, not sent again.
"""

from collections.abc import Callable
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from carrel.control.fleet import deeds, plans, settling, writing
from carrel.control.fleet.checking import Checker, Drop, Go, Later
from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.acting import Answer, Grant
from carrel.domain.governance.plans import (
    ASKED,
    STOPPING,
    Action,
    ActionState,
    Plan,
    Progress,
    Purpose,
)
from carrel.domain.records import dataclass
from carrel.errors import CarrelError, FailedError, RefusedError
from carrel.ports.fleet import Outcome, Receipt
from carrel.system import faults, holders

Told = Callable[[Action, Progress], None]
"""Told of each action that moved on."""

_NEVER_ARRIVED = frozenset({"token_refused", "no_coder_token", "bad_coder_url", "bad_plan"})
"""Errors that prove that nothing was done."""

_QUEUE_HIDDEN = frozenset({"fleet_forbidden", "fleet_not_offered"})
"""Errors of a queue that this token, or this deployment, never shows."""

_ENDING = {Answer.FROZEN, Answer.CAPPED, Answer.BROKEN}


class End(StrEnum):
    """Why a run ended."""

    OVER = "over"
    """Nothing more will happen to any action."""
    WAITING = "waiting"
    """Some actions wait for their time, a warning, a build, or another process."""
    FROZEN = "frozen"
    CAPPED = "capped"
    BROKEN = "broken"
    """Too many actions failed."""
    BUSY = "busy"
    """The backend's queue is long, or builds take longer than a run follows them."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did.

    Attributes:
        plan: The plan.
        end: Why the run ended.
        why: One sentence, or empty.
        progress: How far each action is, by number.
        waits: What waiting actions wait for, by number.
        again_at: When another run has something to do; None: not by time.
    """

    plan: Plan
    end: End
    why: str
    progress: tuple[Progress, ...]
    waits: dict[int, str]
    again_at: datetime | None

    def count(self, state: ActionState) -> int:
        """Return how many actions are so far."""
        return sum(one.state is state for one in self.progress)


def quiet(_: Action, __: Progress) -> None:
    """Tell nobody."""


def apply(ctx: FleetContext, plan_id: str, told: Told = quiet) -> Report:
    """Do what a plan says, as far as it may be done now; call again for the rest.

    Args:
        ctx: The fleet.
        plan_id: The plan's id, or a start of it.
        told: Told of each action that moves on.

    Raises:
        NotFoundError: `unknown_plan`.
        RefusedError: `other_fleet`; `frozen`; `plan_too_large` when the limits are tighter now.
    """
    plan = plans.get(ctx, plan_id).plan
    _refuse(ctx, plan)
    settling.settle_all(ctx)
    with holders.held() as holder:
        return _Run(ctx, plan, holder, told).run()


def carry_out(ctx: FleetContext, plan: Plan, told: Told = quiet) -> Report:
    """Store a plan that was just made, and apply it."""
    plans.store(ctx, plan)
    return apply(ctx, plan.plan_id, told)


def refuse_frozen(ctx: FleetContext, plan: Plan) -> None:
    """Refuse a plan while everything is frozen; what a person asked for stays possible.

    Raises:
        RefusedError: `frozen`.
    """
    if plan.purpose not in ASKED:
        ctx.thaw()


def _refuse(ctx: FleetContext, plan: Plan) -> None:
    if plan.fleet != ctx.address:
        raise RefusedError(
            "other_fleet",
            f"The plan {plan.plan_id} is for {plan.fleet}.",
            why=f"This is {ctx.address}.",
            cure="Set coder.url (or CODER_URL) to the plan's deployment.",
        )
    refuse_frozen(ctx, plan)
    if plan.purpose is Purpose.EMERGENCY_STOP:
        return
    if plan.purpose is not Purpose.UNDO and plan.stops > ctx.safety.max_stops:
        raise RefusedError(
            "plan_too_large",
            f"The plan {plan.plan_id} would stop {plan.stops} workspaces.",
            why=f"A plan may stop {ctx.safety.max_stops} (safety.max_stops).",
            cure="Make a new plan: it keeps to the limits that are in force now.",
        )


@dataclass(slots=True)
class _Run:
    """One run over a plan."""

    ctx: FleetContext
    plan: Plan
    holder: str
    told: Told
    progress: dict[int, Progress] = field(default_factory=dict[int, Progress])
    waits: dict[int, Later] = field(default_factory=dict[int, Later])
    ended: tuple[End, str] | None = None
    pending: int | None = None
    full: str = ""
    full_since: datetime | None = None

    def run(self) -> Report:
        checker = Checker(self.ctx, self.plan)
        self._read()
        while self.ended is None and (self._batch(checker) or self._queues_up()):
            self._follow()
        self._follow()
        return self._report()

    def _read(self) -> None:
        with self.ctx.store.reading() as session:
            rows = session.governance.progress(self.plan.plan_id)
        self.progress = {one.number: one for one in rows}

    def _batch(self, checker: Checker) -> bool:
        """Begin as many actions as a batch holds; tell whether any moved."""
        left, moved = self._batch_size(), False
        self.pending, self.full = None, ""
        for action in self.plan.actions:
            if left == 0 or self.ended is not None or self.full:
                break
            if self.progress[action.number].state is ActionState.WAITING:
                began = self._one(checker, action)
                moved, left = moved or began, left - began
        return moved

    def _batch_size(self) -> int:
        safety = self.ctx.safety
        if self.plan.purpose is Purpose.EMERGENCY_STOP:  # nobody waits for builds to end then
            return max(1, safety.batch_size, safety.emergency_stops_per_minute)
        return max(1, safety.batch_size)

    def _one(self, checker: Checker, action: Action) -> bool:
        """Check and do one action; tell whether it moved on."""
        while True:
            at = self.ctx.now()
            check = checker.check(action, self.progress)
            if isinstance(check, Later):
                self.waits[action.number] = check
                return False
            self.waits.pop(action.number, None)
            if isinstance(check, Drop):
                self._move(action, ActionState.SKIPPED, note=check.why)
                return True
            if not self._room(action):
                return False
            grant = self._begin(action, check, at)
            if grant.answer is Answer.GRANTED:
                self._send(action, check)
                return True
            if not self._patient(action, grant):
                return False
            # Time has passed: the facts are looked at again.

    def _begin(self, action: Action, go: Go, at: datetime) -> Grant:
        workspace = go.workspace
        if workspace is None:
            paused = self.ctx.fleet.prebuilds_paused()
            seen = writing.Seen(0, {"paused": None if paused is None else int(paused)}, at)
        else:
            seen = writing.Seen(workspace.build.number, deeds.before(workspace), at)
        waiting = self.progress[action.number]
        grant, progress = writing.begin(self.ctx, self.plan, waiting, self.holder, seen)
        self.progress[action.number] = progress
        return grant

    def _patient(self, action: Action, grant: Grant) -> bool:
        """Wait for what a refusal says; tell whether it is worth asking again."""
        ctx = self.ctx
        if grant.answer in _ENDING:
            self.ended = (End(str(grant.answer)), grant.why)
            return False
        if grant.answer is Answer.TAKEN:
            self._read()
            return False
        if grant.answer is Answer.BESIDE:
            self.waits[action.number] = Later(grant.why)
            settling.settle_all(ctx)
            return False
        if grant.answer is Answer.TOO_FAST and grant.again_at is not None:
            ctx.clock.wait(max(0.0, (grant.again_at - ctx.now()).total_seconds()))
            self.pending = None
            return True
        self._follow()
        if settling.settle_all(ctx) >= ctx.safety.max_concurrent_stops:
            self.waits[action.number] = Later(grant.why)
            self.ended = (End.BUSY, grant.why)
            return False
        return True

    def _room(self, action: Action) -> bool:
        """Tell whether the backend's queue is short enough for one more build that stops."""
        most = self.ctx.safety.max_queue
        if action.deed not in STOPPING or not most:
            return True
        if self.pending is None or self.pending >= most:
            self.pending = self._jobs_waiting()
        if self.pending < most:
            self.pending += 1  # at worst it waits there; asked again when that would matter
            return True
        self.full = f"{self.pending} jobs wait for a provisioner, and {most} hold back new stops."
        return False

    def _jobs_waiting(self) -> int:
        """Return how many jobs wait in the backend's queue."""
        try:
            return self.ctx.fleet.queue().pending
        except FailedError as error:
            if error.code not in _QUEUE_HIDDEN:
                raise
            if self.plan.purpose is Purpose.EMERGENCY_STOP:
                return 0  # its own pace is limit enough: an emergency asks for no more rights
            cure = f"{error.cure} Or set safety.max_queue to 0: then no queue holds stops back."
            raise FailedError(error.code, error.what, why=error.why, cure=cure) from error

    def _queues_up(self) -> bool:
        """Wait for room in the backend's queue, in an emergency; tell whether to try again."""
        if not self.full or self.plan.purpose is not Purpose.EMERGENCY_STOP:
            return False
        now = self.ctx.now()
        self.full_since = self.full_since or now
        if now - self.full_since >= self.ctx.pace.follow:
            return False
        self.ctx.clock.wait(self.ctx.pace.poll)
        return True

    def _send(self, action: Action, go: Go) -> None:
        faults.point("fleet.sent")
        try:
            receipt = deeds.do(self.ctx.fleet, action, go.workspace)
        except CarrelError as error:
            state = ActionState.FAILED if error.code in _NEVER_ARRIVED else ActionState.UNCERTAIN
            self._move(action, state, note=str(error))
            return
        faults.point("fleet.answered")
        state, note = _outcome(action, receipt)
        self._move(action, state, note=note, build_id=receipt.build_id)

    def _move(
        self, action: Action, state: ActionState, *, note: str = "", build_id: str = ""
    ) -> None:
        was = self.progress[action.number]
        after = writing.move(self.ctx, self.plan, was, state, note=note, build_id=build_id)
        if after is None:
            self._read()
            return
        self.progress[action.number] = after
        self.told(action, after)

    def _follow(self) -> None:
        """Follow the builds of this plan to their ends, as long as a run is patient."""
        ctx, began = self.ctx, self.ctx.now()
        while True:
            under_way = [
                one for one in self.progress.values() if one.state is ActionState.FOLLOWING
            ]
            for one in under_way:
                after = settling.settle(ctx, self.plan, one)
                if after != one:
                    self.progress[one.number] = after
                    self.told(self.plan.actions[one.number - 1], after)
            if not any(one.state is ActionState.FOLLOWING for one in self.progress.values()):
                return
            if ctx.now() - began >= ctx.pace.follow:
                self.ended = (End.BUSY, "Builds are still under way; apply the plan again.")
                return
            ctx.clock.wait(ctx.pace.poll)

    def _report(self) -> Report:
        self._read()
        rows = tuple(self.progress[number] for number in sorted(self.progress))
        waiting = {
            number: later
            for number, later in self.waits.items()
            if self.progress[number].state is ActionState.WAITING
        }
        over = all(one.state.over for one in rows)
        held = (End.BUSY, self.full) if self.full else (End.WAITING, "")
        end, why = (End.OVER, "") if over else self.ended or held
        moments = [later.at for later in waiting.values() if later.at is not None]
        return Report(
            plan=self.plan,
            end=end,
            why=why,
            progress=rows,
            waits={number: later.why for number, later in waiting.items()},
            again_at=min(moments, default=None),
        )


def _outcome(action: Action, receipt: Receipt) -> tuple[ActionState, str]:
    note = f"{receipt.why} {receipt.cure}".strip()
    match receipt.outcome:
        case Outcome.ACCEPTED:
            followed = action.deed in deeds.BUILDS
            return (ActionState.FOLLOWING if followed else ActionState.DONE), note
        case Outcome.UNCHANGED:
            # A build that was there before ours is somebody else's: undo leaves it alone.
            built = action.deed in deeds.BUILDS
            state = ActionState.SKIPPED if built else ActionState.DONE
            return state, note or "It was so already."
        case Outcome.CONFLICT:
            return ActionState.SKIPPED, note or "Another build is under way."
        case Outcome.REFUSED:
            return ActionState.FAILED, note
        case Outcome.UNCERTAIN:
            return ActionState.UNCERTAIN, note
