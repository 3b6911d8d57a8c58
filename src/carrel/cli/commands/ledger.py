"""`carrel ledger`: read the record of everything that was done, or verify it."""

import json
from typing import TYPE_CHECKING, Annotated, cast

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.table import Cell, Column
from carrel.cli.wording import brief, count, moment, shown, zone_name
from carrel.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carrel.control.context import Context
    from carrel.domain.ledger import Event

app = group(
    "Read the record of everything that Carrel decided and did, oldest first.",
    "carrel ledger",
    "carrel ledger --subject agent-1 --last 5",
    "carrel ledger --subject ada/training        a workspace of a fleet",
    "carrel ledger --last 0 --json               everything",
    "carrel ledger verify",
    alone=True,
)


@app.callback()
def ledger(
    ctx: typer.Context,
    subject: Annotated[
        str | None,
        typer.Option(metavar="WS|ID", help="Only what happened to it; in a fleet OWNER/NAME."),
    ] = None,
    last: Annotated[int, typer.Option(metavar="N", help="The last N (20); 0 means all.")] = 20,
    as_json: Json = False,
) -> None:
    """Read the record of everything that Carrel decided and did, oldest first."""
    if ctx.invoked_subcommand is not None:
        return
    from carrel.control import ledger as control

    if last < 0:
        raise BadInputError("bad_number", f"{last} events can't be shown.", cure="Say 0 for all.")
    out = Output(as_json=as_json)
    with opened() as opened_ctx:
        wanted = _subject(opened_ctx, subject) if subject else None
        events = control.events(opened_ctx, subject=wanted, last=last or None)
    out.document({"events": [record(event) for event in events]})
    if events:
        _show(out, events)
    else:
        out.line("Nothing is recorded yet.")


@command(app, "carrel ledger verify", "carrel ledger verify --json", name="verify")
def verify(as_json: Json = False) -> None:
    """Prove that nobody changed the record.

    Every event carries the hash of the one before. Ends with 1 when the chain is broken.
    """
    from carrel.control import ledger as control

    out = Output(as_json=as_json)
    with opened() as ctx, out.working("Verifying"):
        verdict = control.verify(ctx)
    intact = verdict.broken_at is None
    out.document({**record(verdict), "intact": intact})
    style = out.style
    if intact:
        end = f", the last hash is {brief(verdict.last_hash)}" if verdict.last_hash else ""
        out.line(f"{style.green('✓')} {count(verdict.events, 'event')}, the chain holds{end}.")
        return
    out.line(f"{style.red('✗')} The chain breaks at event {verdict.broken_at}.")
    out.line("  It or the one before was changed or removed. Compare with a backup.")
    raise typer.Exit(1)


def _subject(ctx: "Context", wanted: str) -> str:
    from carrel.control import ledger as control
    from carrel.control.finding import find
    from carrel.domain.workspaces import State
    from carrel.errors import NotFoundError

    try:
        return find(ctx, wanted, states=frozenset(State)).workspace_id
    except NotFoundError:
        return control.fleet_subject(ctx, wanted) or wanted


def _show(out: Output, events: "Sequence[Event]") -> None:
    columns = [
        Column("N", right=True),
        Column(f"WHEN ({zone_name(events[-1].at)})"),
        Column("WHO", shrinks=True),
        Column("WHAT"),
        Column("TO", shrinks=True),
        Column("FACTS", shrinks=True),
    ]
    rows = [
        [
            Cell(str(event.sequence), out.style.dim),
            Cell(moment(event.at, zone=False)),
            Cell(shown(event.actor)),
            Cell(event.action, out.style.bold),
            Cell(shown(_subject_shown(event))),
            Cell(_facts(event)),
        ]
        for event in events
    ]
    out.table(columns, rows)


def _subject_shown(event: "Event") -> str:
    """Return what it happened to; a workspace of a fleet by its name."""
    name = event.data.get("workspace")
    return name if isinstance(name, str) and name else event.subject


_FEW = 2


def _facts(event: "Event") -> str:
    """Return the facts in short: of an action first what was done, by which policy, and why."""
    data = dict(event.data)
    data.pop("workspace", None)
    lead = ""
    if "deed" in data and "policy" in data:
        lead = f"{data.pop('deed')} by {data.pop('policy')}: {data.pop('reason', '')} "
    note = data.pop("note", "")
    told = ((name, _fact(value)) for name, value in data.items())
    rest = " ".join(f"{name}={value}" for name, value in told if value)
    return shown(f"{lead}{f'{note} ' if note else ''}{rest}".strip())


def _fact(value: object) -> str:
    """Return a fact in short; the document has it whole."""
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, list) and len(cast("list[object]", value)) > _FEW:
        return f"({len(cast('list[object]', value))} of them)"
    return value if isinstance(value, str) else json.dumps(value)
