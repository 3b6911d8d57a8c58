"""Foresight: what would happen at a moment, what would have been, what is to be expected."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from carrel.control.fleet import deciding, governing, observing, recording, spending
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.deployment import Source
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.reconstructing import Logs, Reconstruction
from carrel.domain.fleet.reports.running import turns
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.foresight import Outcome
from carrel.domain.governance.plans import Plan, Purpose
from carrel.domain.records import dataclass
from carrel.errors import BadInputError, FailedError, NotFoundError
from carrel.planning import deciding as judging
from carrel.planning import forecasting, planner
from carrel.planning.backtesting import Look, Terms, backtest
from carrel.planning.deciding import Configured
from carrel.planning.forecasting import Forecast
from carrel.planning.planner import Order
from carrel.planning.precedence import Decision
from carrel.planning.projecting import Projection, project
from carrel.system.collector import put_off

RECORDED, LOGS, EITHER = "recorded", "logs", "either"
_DAY = timedelta(days=1)
_MONTH = timedelta(weeks=4)
_RUNS = timedelta(days=3)
"""So far before a time the log is read, too, to know since when something ran at its begin."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What would happen at a moment.

    Attributes:
        at: That moment.
        seen_at: When the fleet was seen that it stands on.
        recorded: The moment has gone by, and the fleet was recorded then.
        projection: What the backend does until then.
        decisions: What becomes of each workspace.
        plan: What a pass would do at that moment.
    """

    at: datetime
    seen_at: datetime
    recorded: bool
    projection: Projection
    decisions: tuple[Decision, ...]
    plan: Plan


@dataclass(frozen=True, slots=True)
class Backtested:
    """What would have been.

    Attributes:
        outcome: What the policies would have done.
        source: `recorded` or `logs`.
        policies: Which policies were asked.
        currency: What money is in; empty: there are no prices.
        notes: What a person must know of it, sentences.
    """

    outcome: Outcome
    source: str
    policies: tuple[str, ...]
    currency: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is to be expected.

    Attributes:
        forecast: It.
        currency: What money is in; empty: there are no prices.
        notes: What a person must know of it, sentences.
    """

    forecast: Forecast
    currency: str
    notes: tuple[str, ...]


def simulate(ctx: FleetContext, at: datetime) -> Simulation:
    """Tell what a pass would do at a moment, if nobody comes or goes until then.

    Nothing is stored or done. For a moment that has gone by, what was recorded then counts.

    Raises:
        NotFoundError: `nothing_recorded`.
    """
    now = ctx.now()
    past = at < now - ctx.safety.freshness
    seen = _recorded_at(ctx, at) if past else observing.recent(ctx)
    moment = max(at, seen.at)
    projection = project(seen, moment)
    held = deciding.situation(ctx, projection.observation, at=moment)
    decisions = judging.decide_fleet(ctx.policies, held)
    order = Order(
        purpose=Purpose.GOVERN,
        at=moment,
        made_by=ctx.actor,
        horizon=governing.horizon(ctx),
        warn=ctx.recipients.enabled,
    )
    plan = planner.make(decisions, projection.observation, order, ctx.safety)
    return Simulation(moment, seen.at, past, projection, decisions, plan)


def look_back(
    ctx: FleetContext,
    since: datetime,
    until: datetime,
    policies: Iterable[str] = (),
    source: str = EITHER,
) -> Backtested:
    """Hold the policies against what was: what they would have stopped, and whom.

    Args:
        ctx: The fleet.
        since: From when on.
        until: Until when.
        policies: Only stops of these, and whatever keeps; empty: all.
        source: `recorded`, `logs`, or `either`: what tells more.

    Raises:
        BadInputError: `bad_time_span` or `unknown_policy`.
        NotFoundError: `nothing_recorded`.
    """
    until = min(until, ctx.now())
    if since >= until:
        raise BadInputError(
            "bad_time_span",
            "There is no time to look back on: it begins when it has ended already.",
            why=f"From {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC.",
            cure="Give --since a moment that lies before --until, and before now.",
        )
    chosen = _chosen(ctx, tuple(policies))
    past = _past(ctx, since, until, source)
    terms = _terms(ctx, chosen, since)
    with put_off():
        outcome = backtest(past.again(), terms)
    names = tuple(one.name for one in chosen)
    notes = (*past.notes, *_notes(ctx, outcome))
    return Backtested(outcome, past.source, names, _currency(ctx), notes)


def look_ahead(ctx: FleetContext, days: int, policies: Iterable[str] = ()) -> Foreseen:
    """Let the last weeks come again under the policies.

    Args:
        ctx: The fleet.
        days: How far ahead.
        policies: Only stops of these, and whatever keeps; empty: all.

    Raises:
        BadInputError: `bad_number` or `unknown_policy`.
        NotFoundError: `nothing_recorded`.
    """
    if days < 1:
        raise BadInputError(
            "bad_number", f"{days} days can't be foreseen.", cure="Give a day at least."
        )
    now = ctx.now()
    chosen = _chosen(ctx, tuple(policies))
    past = _past(ctx, now - _MONTH, now, EITHER)
    base = forecasting.rhythm(max(past.begin, now - _MONTH), past.end, past.source)
    if base is None:
        raise _nothing("Not even one whole day of this fleet is known.")
    until = now + days * _DAY
    looks = forecasting.future(past.again, base, until)
    terms = _terms(ctx, chosen, now)
    with put_off():
        outcome = backtest(looks, terms)
    notes = (*past.notes, *_notes(ctx, outcome))
    return Foreseen(forecasting.forecast(outcome, base), _currency(ctx), notes)


@dataclass(frozen=True, slots=True)
class _Past:
    """A past that can be gone through again and again."""

    source: str
    begin: datetime
    end: datetime
    again: Callable[[], Iterator[Look]]
    notes: tuple[str, ...] = ()


def _past(ctx: FleetContext, since: datetime, until: datetime, source: str) -> _Past:
    known = None if source == LOGS else _recording(ctx, since, until)
    if known is not None and (source == RECORDED or _enough(known, since)):
        return known
    logs = None if source == RECORDED else _logs(ctx, since, until)
    found = logs or known
    if found is None:
        raise _nothing("Nothing tells of this fleet in that time.")
    return found


def _enough(known: _Past, since: datetime) -> bool:
    """Tell whether a recording tells of half of a time at least."""
    return known.end - known.begin >= (known.end - since) / 2


def _recording(ctx: FleetContext, since: datetime, until: datetime) -> _Past | None:
    with ctx.store.reading() as session:
        first = next((one.at for one in session.history.records(ctx.address, since, until)), None)
        last = session.history.last_record(ctx.address)
    if first is None or last is None or last < since:
        return None
    begin = max(first, since)
    notes: tuple[str, ...] = ()
    if begin - since > _DAY:
        notes = (f"Recording began at {begin:%Y-%m-%d %H:%M} UTC: nothing is known before.",)
    return _Past(
        RECORDED,
        begin,
        min(last, until),
        lambda: recording.looks(ctx, since, until),
        notes,
    )


def _logs(ctx: FleetContext, since: datetime, until: datetime) -> _Past | None:
    seen = observing.recent(ctx)
    if seen.deployment.source("audit") is not Source.NATIVE:
        return None
    try:
        entries = list(ctx.fleet.audit(since - _RUNS, ctx.now()))
    except FailedError as error:
        ctx.log("audit.unreadable", {"code": error.code, "error": str(error)})
        return None
    built = (one.at for one in entries if one.resource_type == "workspace_build")
    # Of the last day the present runs tell, too, however young the log is.
    begin = max(since, min((*built, until - _DAY)))
    notes = ["It is put together from the deployment's logs: coarser than a recording."]
    connections = None
    if seen.deployment.source("connections") is Source.NATIVE:
        try:
            connections = list(ctx.fleet.connections(since, until))
        except FailedError as error:
            ctx.log("connections.unreadable", {"code": error.code, "error": str(error)})
    if begin - since > _DAY:
        notes.append(f"The log begins at {begin:%Y-%m-%d %H:%M} UTC: nothing is known before.")
    if connections is None:
        notes.append("Who was connected can't be seen, so everything counts as in use.")
    logs = Logs(seen, tuple(_gone(ctx)), turns(entries), connections)
    return _Past(
        LOGS, begin, until, lambda: Reconstruction(logs, begin, until).looks(), tuple(notes)
    )


def _gone(ctx: FleetContext) -> Iterator[FleetWorkspace]:
    try:
        yield from ctx.fleet.deleted()
    except FailedError as error:
        ctx.log("deleted.unreadable", {"code": error.code, "error": str(error)})


def _recorded_at(ctx: FleetContext, at: datetime) -> Observation:
    last = None
    for look in recording.looks(ctx, at, at):
        last = look
    if last is None or last.frame.at > at:
        raise _nothing(f"Nothing of this fleet was recorded up to {at:%Y-%m-%d %H:%M} UTC.")
    return last.observation()


def _nothing(what: str) -> NotFoundError:
    return NotFoundError(
        "nothing_recorded",
        what,
        why="Passes of `carrel govern` record what they see (coder.record_days).",
        cure="Let `carrel govern --watch` run for a while, or ask about a later time.",
    )


def _chosen(ctx: FleetContext, names: tuple[str, ...]) -> tuple[Configured, ...]:
    known = {one.name for one in ctx.policies}
    lost = sorted(set(names) - known)
    if lost:
        raise BadInputError(
            "policy_not_in_force",
            f"The policy {lost[0]!r} is not in force.",
            why=f"In force are: {', '.join(sorted(known)) or 'none'}.",
            cure="Give it a table in carrel.toml, or in the file that --config names.",
        )
    if not names:
        return ctx.policies
    return tuple(one for one in ctx.policies if one.policy.protects or one.name in names)


def _terms(ctx: FleetContext, chosen: tuple[Configured, ...], since: datetime) -> Terms:
    with ctx.store.reading() as session:
        keeps = tuple(keep for _, keep in session.governance.keeps(ctx.address, since))
    held = spending.book(ctx)
    limited = any(one.name == "budget" for one in chosen)
    return Terms(
        policies=chosen,
        safety=ctx.safety,
        since=since,
        price=held.price if held is not None else lambda _: None,
        keeps=keeps,
        month=held.month if held is not None and limited else None,
    )


def _currency(ctx: FleetContext) -> str:
    held = spending.book(ctx)
    return held.currency if held is not None and held.prices else ""


def _notes(ctx: FleetContext, outcome: Outcome) -> Iterator[str]:
    if not _currency(ctx):
        yield "There is no price book, so nothing is told in money: see [policy.budget.prices]."
    elif outcome.unpriced:
        yield f"No price is known for: {', '.join(outcome.unpriced)}."
    if outcome.unseen:
        hours = outcome.unseen / 3600
        yield f"For {hours:.1f} hours of it nobody looked: it counts as if nothing had changed."
    for gap in outcome.gaps:
        yield f"Not everything was seen at all times. {gap}"
