"""`carrel fleet`: look at a fleet of workspaces, or stop it in an emergency."""

from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.fleets import bills
from carrel.cli.fleets.options import Reason, Verbose
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.reports import verbs
from carrel.cli.wording import shown

if TYPE_CHECKING:
    from carrel.domain.fleet.deployment import Deployment

app = group(
    "Look at a fleet of workspaces, or stop it in an emergency.",
    "carrel fleet check",
    "carrel fleet ls",
    "carrel fleet audit --html audit.html",
    "carrel fleet emergency-stop --dry-run",
)


app.add_typer(bills.app, name="bill")


@app.callback()
def fleet() -> None:
    """Look at a fleet of workspaces, or stop it in an emergency."""


@command(app, "carrel fleet check", "carrel fleet check --json", name="check")
def check(verbose: Verbose = False, as_json: Json = False) -> None:
    """Try the connection: version, user, what is licensed, what the token may not do.

    Address and token come from CODER_URL and CODER_SESSION_TOKEN (or CODER_TOKEN), or from
    [coder] in carrel.toml. Nothing is changed.
    """
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import freezing

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx, out.working("Asking the deployment"):
        found = ctx.fleet.deployment()
        freeze = freezing.frozen(ctx)
    out.document({**record(found), "policies": [one.name for one in ctx.policies],
                  "frozen": freeze is not None})  # fmt: skip
    _show(out, found)
    style = out.style
    out.line(f"Policies in force: {', '.join(one.name for one in ctx.policies)}")
    if freeze is not None:
        out.line(style.yellow(f"Everything is frozen by {freeze.by}: nothing is stopped."))


def _show(out: Output, found: "Deployment") -> None:
    style = out.style
    out.line(
        f"{style.green('✓')} {style.bold(found.url)} answers: Coder {shown(found.version)}, "
        f"as {style.bold(shown(found.user))}"
    )
    from carrel.cli.fleets.paragraphs import paragraph

    paints = {"native": style.green, "ours": style.cyan, "unavailable": style.yellow}
    for feature in found.features:
        source = str(feature.source)
        head = f"  {feature.name:<20} {paints[source](f'{source:<11}')}  "
        paragraph(out, head, shown(feature.why))
    for sentence in found.missing:
        paragraph(out, f"{style.yellow('!')} ", f"The token's rights: {shown(sentence)}")


verbs.add(app)


@command(
    app,
    "carrel fleet emergency-stop --dry-run",
    'carrel fleet emergency-stop --reason "the bill" --yes',
    "carrel fleet emergency-stop --include-excluded --yes",
    name="emergency-stop",
)
def emergency_stop(
    include_excluded: Annotated[
        bool, typer.Option("--include-excluded", help="Also stop what policies exclude.")
    ] = False,
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Stop the whole fleet, in order; what is excluded stays unless it is included.

    Prebuilds are paused first. Nobody is warned and nobody at work is spared. Interrupted,
    'carrel plan apply' goes on with it; 'carrel plan undo' starts again what it stopped.
    """
    from carrel.cli.fleets.carrying import carry_out, show_only
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import emergency

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx:
        with out.working("Looking at the fleet"):
            plan = emergency.plan(ctx, reason, include_excluded=include_excluded)
        if dry_run:
            show_only(out, plan, "Without --dry-run this plan is carried out.")
            return
        if plan.actions and not yes:
            _ask(out, plan.stops)
        carry_out(out, ctx, plan)


def _ask(out: Output, stops: int) -> None:
    """Let a person confirm.

    Raises:
        BadInputError: `not_confirmed` where there is nobody to ask.
        typer.Abort: They said no.
    """
    import sys

    from carrel.errors import BadInputError

    if out.as_json or not sys.stdin.isatty():
        raise BadInputError(
            "not_confirmed",
            f"{stops} running workspaces would be stopped, and nobody said yes.",
            cure="Look with --dry-run first; --yes says it.",
        )
    typer.confirm(f"Stop {stops} running workspaces now?", abort=True, err=True)
