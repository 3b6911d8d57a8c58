"""`carrel tend`: checkpoint what changed and clean up, once or for ever."""

from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.deeds import deeds_document, show_deeds
from carrel.cli.opening import opened
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output
from carrel.cli.wording import moment
from carrel.errors import BadInputError

app = group()


@command(
    app,
    "carrel tend --dry-run",
    "carrel tend                          one round, for a timer",
    "carrel tend --watch --every 600      a round each ten minutes, until Ctrl-C",
)
def tend(
    watch: Annotated[bool, typer.Option("--watch", help="Go on, round after round.")] = False,
    every: Annotated[
        int | None,
        typer.Option(metavar="SECONDS", help="Pause between two rounds; else the setting."),
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Save workspaces whose last checkpoint is old, clean up, and maintain the stores.

    With --watch and --json, each round is one JSON document.
    """
    from carrel.control import retention

    pause = _pause(every) if watch else 0.0
    out = Output(as_json=as_json)
    with opened() as ctx:
        while True:
            with out.working("Tending the workspaces"):
                deeds = retention.tend(ctx, dry_run=dry_run)
            if watch:
                out.line(out.style.dim(moment(ctx.clock.now())))
            out.document(deeds_document(deeds, dry_run=dry_run))
            show_deeds(out, deeds, dry_run=dry_run)
            if not watch:
                return
            ctx.clock.wait(pause)


def _pause(every: int | None) -> float:
    from carrel import bootstrap

    if every is None:
        return bootstrap.settings().tend.interval_minutes * 60
    if every < 1:
        raise BadInputError(
            "bad_pause", f"{every} seconds can't be a pause.", cure="Give at least one second."
        )
    return float(every)
