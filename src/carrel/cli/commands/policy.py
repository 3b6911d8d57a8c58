"""`carrel policy`: list, check and explain the policies; look back and ahead with them."""

from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.fleets.options import FleetWorkspaceName, Verbose
from carrel.cli.options import Json
from carrel.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carrel.domain.governance.verdicts import Finding

app = group(
    "List, check and explain the policies; look back and ahead with them.",
    "carrel policy ls",
    "carrel policy check",
    "carrel policy explain ada/training",
    "carrel policy backtest --since 30d",
)


@command(
    app,
    "carrel policy ls",
    "carrel policy ls --verbose            their settings, too",
    "carrel policy ls --json",
    name="ls",
)
def ls(
    verbose: Annotated[bool, typer.Option("--verbose", help="Show their settings, too.")] = False,
    as_json: Json = False,
) -> None:
    """List the policies that are known, and which of them are in force.

    A policy is in force when carrel.toml has a table [policy.NAME] for it that does not say
    enabled = false. Those that only keep need no table. Nothing is asked of the deployment.
    """
    from carrel import bootstrap
    from carrel.cli.fleets.ruling import known_document, show_known

    out = Output(as_json=as_json)
    known = bootstrap.known_policies()
    out.document({"policies": [known_document(one) for one in known]})
    show_known(out, known, settings=verbose)


@command(
    app,
    "carrel policy check",
    "carrel policy check --offline         the settings alone, without the deployment",
    "carrel policy check --json",
    name="check",
)
def check(
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no deployment; look at the settings alone.")
    ] = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Lint the policies: rules that nothing reaches, overlaps, windows that never occur.

    With the fleet in view also exclusions that match nothing, and policies that never act or
    are always overruled in the coming week. Ends with 1 when something is wrong.
    """
    from carrel.cli.fleets.ruling import show_findings
    from carrel.cli.plain import record

    out = Output(as_json=as_json)
    found = _settings_alone() if offline else _with_fleet(out, verbose=verbose)
    wrong = any(one.severity == "error" for one in found)
    out.document({"ok": not wrong, "offline": offline, "findings": [record(one) for one in found]})
    show_findings(out, found, offline=offline)
    if wrong:
        raise typer.Exit(1)


def _settings_alone() -> "Sequence[Finding]":
    from carrel import bootstrap
    from carrel.planning.linting import check_policies

    return check_policies(bootstrap.policies(), None)


def _with_fleet(out: Output, *, verbose: bool) -> "Sequence[Finding]":
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import explaining

    with opened_fleet(out, verbose=verbose) as ctx, out.working("Looking at the fleet"):
        return explaining.check(ctx)


@command(
    app,
    "carrel policy explain ada/training",
    "carrel policy explain training --at 2026-11-01T23:00",
    "carrel policy explain training --json",
    name="explain",
)
def explain(
    workspace: FleetWorkspaceName,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="As if it were then, such as 22:00 or +8h; the facts are those of now.",
        ),
    ] = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Say why a workspace is stopped or is not, and when that changes next.

    Every input, every rule with its verdict, and which one wins. It is looked at in a few
    requests, however large the fleet is.
    """
    from carrel.cli.fleets.explained import explanation_document, show_explanation
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import explaining

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx:
        moment = None
        if at is not None:
            from carrel.cli.fleets.moments import coming

            moment = coming(at, ctx.now())
        with out.working("Looking at the workspace"):
            found = explaining.explain(ctx, workspace, at=moment)
    out.document(explanation_document(found))
    show_explanation(out, found)


@command(
    app,
    "carrel policy simulate --at 2026-11-01T23:00",
    "carrel policy simulate --at +8h --json",
    name="simulate",
)
def simulate(
    at: Annotated[
        str,
        typer.Option(
            "--at", metavar="TIME", help="A moment, 22:00, or a span from now such as +8h."
        ),
    ],
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Say what a pass would do at a moment; nothing is stored or done.

    The fleet counts as it is now; until then only the deployment's own clocks go on, and
    nobody comes or goes. For a moment that has gone by, what was recorded then counts.
    """
    from carrel.cli.fleets.foreseen import show_simulation, simulation_document
    from carrel.cli.fleets.moments import coming
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import foreseeing

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx, out.working("Looking at the fleet"):
        found = foreseeing.simulate(ctx, coming(at, ctx.now()))
    out.document(simulation_document(found))
    show_simulation(out, found)


@command(
    app,
    "carrel policy backtest --since 30d",
    "carrel policy backtest --since 2026-10-01 --until 2026-11-01 --policy quiet_hours",
    "carrel policy backtest --since 7d --config tried.toml --json",
    name="backtest",
)
def backtest(
    *,
    since: Annotated[
        str, typer.Option(metavar="DATE", help="From when on: a day, a moment, or 30d.")
    ],
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Until when; now, when it is not given.")
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only stops of this policy; may be repeated."),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Try the policies of another settings file."),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help="recorded, logs, or either: what tells more.",
        ),
    ] = "either",
    show_all: Annotated[bool, typer.Option("--show-all", help="List every stop.")] = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Hold the policies against the past: what they would have stopped, and whom.

    Passes of 'carrel govern' record what they see; before that, the deployment's audit and
    connection logs tell. Nothing is asked of anybody, and nothing is done.
    """
    from carrel.cli.fleets.foreseen import backtest_document, show_backtest
    from carrel.cli.fleets.moments import moment_of
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import foreseeing
    from carrel.errors import BadInputError

    if source not in {"recorded", "logs", "either"}:
        raise BadInputError(
            "usage", f"There is no source {source!r}.", cure="Say recorded, logs or either."
        )
    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose, config=config) as ctx:
        now = ctx.now()
        begin = moment_of(since, now)
        end = now if until is None else moment_of(until, now, ends=True)
        with out.working("Going through the past"):
            found = foreseeing.look_back(ctx, begin, end, policy or (), source)
    out.document(backtest_document(found))
    show_backtest(out, found, everything=show_all)


@command(app, "carrel policy forecast", "carrel policy forecast --days 7 --json", name="forecast")
def forecast(
    days: Annotated[int, typer.Option(metavar="N", help="How many days ahead.")] = 30,
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only stops of this policy; may be repeated."),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Try the policies of another settings file."),
    ] = None,
    show_all: Annotated[bool, typer.Option("--show-all", help="List every workspace.")] = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Say what would stop when in the coming days, and what that saves.

    The last weeks are taken to come again: those that were recorded, else those that the
    deployment's logs tell of. How sure that is, is said.
    """
    from carrel.cli.fleets.foreseen import forecast_document, show_forecast
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import foreseeing

    out = Output(as_json=as_json)
    with (
        opened_fleet(out, verbose=verbose, config=config) as ctx,
        out.working("Letting the last weeks come again"),
    ):
        found = foreseeing.look_ahead(ctx, days, policy or ())
    out.document(forecast_document(found))
    show_forecast(out, found, everything=show_all)
