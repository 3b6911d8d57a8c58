"""`carrel policy`: list, check and explain the policies."""

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
    "List, check and explain the policies.",
    "carrel policy ls",
    "carrel policy check",
    "carrel policy explain ada/training",
)


@command(app, "carrel policy ls", "carrel policy ls --json", name="ls")
def ls(as_json: Json = False) -> None:
    """List the policies that are known, and which of them are in force.

    A policy is in force when carrel.toml has a table [policy.NAME] for it that does not say
    enabled = false. Those that only keep need no table. Nothing is asked of the deployment.
    """
    from carrel import bootstrap
    from carrel.cli.fleets.ruling import known_document, show_known

    out = Output(as_json=as_json)
    known = bootstrap.known_policies()
    out.document({"policies": [known_document(one) for one in known]})
    show_known(out, known)


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
    from carrel.planning.safety import check_policies

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
        typer.Option(metavar="TIME", help="As if it were then; the facts are those of now."),
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
            from carrel.cli.fleets.moments import moment_of

            moment = moment_of(at, ctx.now())
        with out.working("Looking at the workspace"):
            found = explaining.explain(ctx, workspace, at=moment)
    out.document(explanation_document(found))
    show_explanation(out, found)
