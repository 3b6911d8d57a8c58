"""Warnings: who is about to lose a running workspace is told before, once, with the way out.

One message a person, however many workspaces. Where the backend itself has warned of the same
stop, nobody is told twice. What can't be delivered is written down, and the stop waits.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from urllib.parse import quote

from carrel.control.fleet import observing, plans
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.plans import Action, ActionState, Plan
from carrel.domain.governance.warnings import Delivery, Warned, near
from carrel.domain.records import dataclass
from carrel.errors import CarrelError

_REMEMBERED = timedelta(days=2)
"""Warnings are read so much further back than the lead; what was told before is told anew."""


@dataclass(frozen=True, slots=True)
class _Notice:
    """One workspace's part of a message."""

    action: Action
    workspace: FleetWorkspace
    due: datetime


@dataclass(frozen=True, slots=True)
class _Went:
    """How a message went."""

    at: datetime
    delivery: Delivery
    recipient: str = ""
    why: str = ""


def warn(ctx: FleetContext, plan: Plan) -> tuple[Warned, ...]:
    """Tell the owners of what a plan will stop, unless they know; return what was done."""
    if not ctx.recipients.enabled:
        return ()
    seen = observing.recent(ctx)
    at = ctx.now()
    notices = _unknown(ctx, plan, seen, at)
    covered = [one for one in notices if _backend_warned(one, seen, at)]
    done = [_warned(plan, one, _Went(at, Delivery.COVERED)) for one in covered]
    by_owner: dict[str, list[_Notice]] = {}
    for one in notices:
        if one not in covered:
            by_owner.setdefault(one.action.owner_id, []).append(one)
    for owner_id, mine in sorted(by_owner.items()):
        done += _tell(ctx, plan, seen, owner_id, mine)
    if done:
        _write(ctx, plan, done)
    return tuple(done)


def _unknown(ctx: FleetContext, plan: Plan, seen: Observation, at: datetime) -> list[_Notice]:
    """Return what its owner was not told of yet."""
    waiting = {
        one.number
        for one in plans.get(ctx, plan.plan_id).progress
        if one.state is ActionState.WAITING
    }
    known = remembered(ctx)
    fleet = {one.workspace_id: one for one in seen.workspaces}
    return [
        _Notice(action, workspace, max(action.due or at, at + ctx.recipients.lead))
        for action in plan.actions
        if action.warn and action.number in waiting
        for workspace in [fleet.get(action.workspace_id)]
        if workspace is not None
        and not any(
            one.holds(workspace.build, at, action.due)
            for one in known.get(workspace.workspace_id, ())
        )
    ]


def remembered(ctx: FleetContext) -> dict[str, list[Warned]]:
    """Return the warnings of the last days by workspace."""
    since = ctx.now() - ctx.recipients.lead - _REMEMBERED
    with ctx.store.reading() as session:
        known = session.governance.warnings(ctx.address, since)
    found: dict[str, list[Warned]] = {}
    for one in known:
        found.setdefault(one.workspace_id, []).append(one)
    return found


def _backend_warned(notice: _Notice, seen: Observation, at: datetime) -> bool:
    """Tell whether the backend has warned by itself, and stops no later than we would."""
    template = seen.templates.get(notice.workspace.template_id)
    deadline = notice.workspace.build.deadline
    if template is None or not template.notify_lead or deadline is None:
        return False
    return deadline - template.notify_lead <= at and near(deadline, notice.due)


def _tell(
    ctx: FleetContext, plan: Plan, seen: Observation, owner_id: str, mine: list[_Notice]
) -> list[Warned]:
    addresses = _addresses(ctx, seen, owner_id, mine)
    if not addresses:
        why = "Neither an e-mail address nor a route of [notifications] leads to the owner."
        went = _Went(ctx.now(), Delivery.FAILED, why=why)
        return [_warned(plan, one, went) for one in mine]
    title, body = _message(mine)
    reached: list[str] = []
    failures: list[str] = []
    for address in addresses:
        try:
            ctx.notifier.send(address, title, body)
            reached.append(ctx.notifier.shown(address))
        except CarrelError as error:
            failures.append(str(error))
    delivery = Delivery.SENT if reached else Delivery.FAILED
    shown = ", ".join(reached or map(ctx.notifier.shown, addresses))
    went = _Went(ctx.now(), delivery, shown, " ".join(failures))
    return [_warned(plan, one, went) for one in mine]


def _addresses(
    ctx: FleetContext, seen: Observation, owner_id: str, mine: Iterable[_Notice]
) -> list[str]:
    """Return where an owner's messages go: their own route, else their groups', else by pattern."""
    user = seen.users.get(owner_id)
    name = next(iter(mine)).workspace.owner
    routes = ctx.recipients.routes
    own = [address for key, address in routes if key == f"user:{name}"]
    groups = {
        f"group:{seen.groups[one].name}"
        for one in (user.groups if user else ())
        if one in seen.groups
    }
    ours = own or [address for key, address in routes if key in groups]
    if not ours:
        names = {one.workspace.full_name for one in mine}
        ours = [
            address
            for key, address in routes
            if not key.startswith(("user:", "group:"))
            and any(fnmatchcase(one, key) for one in names)
        ]
    if not ours and ctx.recipients.mail and user is not None and user.email:
        mail = ctx.recipients.mail
        ours = [f"{mail}{'&' if '?' in mail else '?'}to={quote(user.email)}"]
    return list(dict.fromkeys(ours))


def _message(mine: list[_Notice]) -> tuple[str, str]:
    owner = mine[0].workspace.owner
    count = f"{len(mine)} workspaces" if len(mine) > 1 else f"workspace {mine[0].workspace.name}"
    first = min(one.due for one in mine)
    title = f"{owner}: your {count} will stop at {first:%H:%M} UTC"
    lines = [
        f"- {one.workspace.full_name} stops at {one.due:%Y-%m-%d %H:%M} UTC. {one.action.reason}\n"
        f'  To keep it: carrel snooze {one.workspace.full_name} --for 2h --reason "..."'
        for one in sorted(mine, key=lambda one: (one.due, one.workspace.full_name))
    ]
    return title, "\n".join(lines)


def _warned(plan: Plan, notice: _Notice, went: _Went) -> Warned:
    # A failure is kept under the stop's own moment, so that trying again makes no second row.
    due = notice.due if went.delivery is not Delivery.FAILED else notice.action.due or notice.due
    return Warned(
        workspace_id=notice.workspace.workspace_id,
        owner_id=notice.action.owner_id,
        build_number=notice.workspace.build.number,
        due=due,
        at=went.at,
        delivery=went.delivery,
        recipient=went.recipient,
        why=went.why,
        plan_id=plan.plan_id,
    )


def _write(ctx: FleetContext, plan: Plan, done: list[Warned]) -> None:
    counts = {str(one): sum(w.delivery is one for w in done) for one in Delivery}
    failures = sorted({one.why for one in done if one.why})
    workspaces = [one.workspace_id for one in done]
    with ctx.noting(
        "plan.warned", plan.plan_id, workspaces=workspaces, failures=failures, **counts
    ) as session:
        session.governance.add_warnings(ctx.address, done)
