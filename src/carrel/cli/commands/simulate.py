"""`carrel simulate`: a stand-in for a remote system, for rehearsals."""

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.options import Json
from carrel.cli.output import Output
from carrel.errors import BadInputError, FailedError

if TYPE_CHECKING:
    from carrel.ports.clock import Clock
    from carrel.simulators.coder.simulator import Simulator

REFRESH = 1.0
"""Seconds between two status lines."""

app = group(
    "Run a stand-in for a remote system, to rehearse on.",
    "carrel simulate coder --workspaces 500 --speed 60",
)


@app.callback()
def simulate() -> None:
    """Run a stand-in for a remote system, to rehearse on."""


@command(
    app,
    "carrel simulate coder                                  100 workspaces, in real time",
    "carrel simulate coder --workspaces 500 --speed 60      a minute each second",
    "carrel simulate coder --start 2026-11-23T19:30         an evening, at noon",
    "carrel simulate coder --faults timeout=0.01,late-504=0.02,429=0.05",
    "carrel simulate coder --unlicensed --seed 7 --port 3000",
    name="coder",
)
def coder(
    *,
    workspaces: Annotated[int, typer.Option(metavar="N", help="How many (100).")] = 100,
    speed: Annotated[
        float,
        typer.Option(metavar="N", help="Its seconds in a real one (1); 0: passes as Carrel waits."),
    ] = 1.0,
    start: Annotated[
        str,
        typer.Option(metavar="TIME", help="What time it is there, such as 2026-11-23T19:30 (now)."),
    ] = "",
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed, the same fleet (0).")] = 0,
    port: Annotated[int, typer.Option(metavar="N", help="Where; 0: any free one (0).")] = 0,
    unlicensed: Annotated[
        bool, typer.Option("--unlicensed", help="Premium features are refused.")
    ] = False,
    agpl: Annotated[
        bool, typer.Option("--agpl", help="The free program: premium features are unknown.")
    ] = False,
    faults: Annotated[
        str,
        typer.Option(metavar="LIST", help="What goes wrong how often, such as timeout=0.01."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Run a simulated Coder deployment with people in it, until Ctrl-C.

    Prints the two lines that point a client at it. It listens on this machine alone, and
    keeps nothing: no real workspace is touched.
    """
    from carrel.cli.fleets.moments import moment_of
    from carrel.simulators.coder.model.history import Licence
    from carrel.simulators.coder.model.world import Setup
    from carrel.simulators.coder.peopling.population import Population
    from carrel.simulators.coder.serving.faults import parse
    from carrel.simulators.coder.simulator import Simulator
    from carrel.system.clock import SystemClock

    _check(workspaces, speed, port)
    licence = Licence.AGPL if agpl else Licence.NONE if unlicensed else Licence.PREMIUM
    out, clock, wrong = Output(as_json=as_json), SystemClock(), parse(faults)
    begins = moment_of(start, clock.now()) if start else clock.now()
    with out.working("Making a deployment"):
        population = Population(
            workspaces=workspaces,
            seed=seed,
            start=begins.replace(second=0, microsecond=0),
            setup=Setup(licence=licence),
        )
        simulator = Simulator(population, speed=speed, faults=wrong)
    _run(out, simulator, port, clock)


def _check(workspaces: int, speed: float, port: int) -> None:
    if workspaces < 1 or speed < 0 or not 0 <= port < 1 << 16:
        raise BadInputError(
            "bad_number",
            "A simulated deployment needs at least one workspace, a speed that is not negative, "
            "and a port below 65536.",
            cure="See 'carrel simulate coder --help'.",
        )


def _run(out: Output, simulator: "Simulator", port: int, clock: "Clock") -> None:
    with ExitStack() as stack:
        try:
            stack.enter_context(simulator.serving(port))
        except OSError as error:
            raise FailedError(
                "port_unusable",
                f"The simulated deployment can't listen on port {port}.",
                why=f"{error.strerror}.",
                cure="Take another with --port, or leave it out for any free one.",
            ) from error
        _tell(out, simulator)
        while True:
            clock.wait(REFRESH)
            simulator.catch_up()
            if sys.stderr.isatty() and not out.as_json:
                sys.stderr.write(f"\r\033[K{_status(simulator)}")
                sys.stderr.flush()


def _tell(out: Output, simulator: "Simulator") -> None:
    world = simulator.world
    out.document(
        {
            "url": simulator.url,
            "token": simulator.token,
            "workspaces": sum(1 for _ in world.alive()),
            "people": len(world.people),
            "seed": world.seed,
            "speed": simulator.speed,
            "now": world.now,
        }
    )
    out.line(f"export CODER_URL={simulator.url}")
    out.line(f"export CODER_SESSION_TOKEN={simulator.token}")
    out.line(f"# {_status(simulator)}. Ctrl-C ends it.")


def _status(simulator: "Simulator") -> str:
    with simulator.lock:
        world = simulator.world
        spaces = list(world.alive())
        facts = (
            f"{world.now:%a %Y-%m-%d %H:%M} UTC",
            f"{sum(space.running for space in spaces)} of {len(spaces)} workspaces run",
            f"{len(world.open_links)} in use",
            f"{len(world.active_jobs())} building",
            f"{sum(simulator.dispatcher.served.values())} requests",
        )
        return " · ".join(facts)
