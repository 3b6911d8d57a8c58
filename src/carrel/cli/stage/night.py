"""The second half of the demonstration on the stage: a simulated fleet goes into the night."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.bootstrap import open_throwaway_fleet
from carrel.cli.fleets.documents import plan_document, report_document
from carrel.cli.fleets.explained import explanation_document
from carrel.cli.plain import record
from carrel.cli.stage import fleet_pages, pages
from carrel.cli.wording import brief, count
from carrel.control.demo import night
from carrel.control.demo.night import Night
from carrel.domain.governance.plans import ActionState
from carrel.domain.records import dataclass
from carrel.errors import FailedError
from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from carrel.cli.stage.fleet_pages import Hour
    from carrel.cli.stage.showing import Show
    from carrel.control.fleet.applying import Report
    from carrel.control.fleet.keeping import Kept
    from carrel.domain.governance.plans import Plan

WORKSPACES = 160
SEED = 11
DUSK = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)
"""A Monday."""
DAWN = DUSK.replace(hour=7, minute=0) + timedelta(days=1)
EVENING = (
    (0, "the day ends; some are still at work"),
    (30, "quiet hours begin: whoever is asked will be stopped in an hour"),
    (40, "somebody who is at work snoozes"),
    (90, "the grace is over"),
    (120, "Carrel looks at the fleet"),
)
"""Minutes since dusk, and what happens then."""


def perform(show: "Show", folder: Path, pace: float) -> dict[str, object]:
    """Play the night.

    Args:
        show: Where to.
        folder: For its database and settings.
        pace: Seconds between two steps.

    Returns:
        What happened, as JSON values.

    Raises:
        FailedError: `demo_failed`: something was stopped twice, failed, or not taken back.
    """
    with _deployment(folder) as (simulator, stage):
        play = _Play(show, simulator, stage, pace)
        play.run()
        return play.told


@contextmanager
def _deployment(folder: Path) -> Generator[tuple[Simulator, Night]]:
    """Serve a simulated deployment on this machine, its time ours to move."""
    home = folder / "fleet"
    home.mkdir()
    (home / "carrel.toml").write_text(night.RULES + night.LIMITS, encoding="utf-8")
    population = Population(workspaces=WORKSPACES, seed=SEED, start=DUSK, failing=0)
    with Simulator(population, rate_limit=0).serving() as simulator:
        ctx = open_throwaway_fleet(str(home), simulator.url, simulator.token, simulator.clock)
        try:
            yield simulator, Night(ctx)
        finally:
            ctx.close()


@dataclass(slots=True)
class _Play:
    """One performance, act by act."""

    show: "Show"
    simulator: Simulator
    stage: Night
    pace: float
    stopped: int = 0
    told: dict[str, object] = field(default_factory=dict[str, object])

    def run(self) -> None:
        """Play all acts."""
        self._opening()
        kept = self._evening()
        plan = self._planned()
        self._applied(plan)
        self._explained(kept)
        self._taken_back(plan)
        self._closing()

    def _opening(self) -> None:
        number = sum(1 for _ in self.simulator.world.alive())
        self.show.put(
            pages.heading("A fleet of machines goes into the night"),
            f"{count(number, 'workspace')} of a simulated Coder deployment, on this machine\n",
            fleet_pages.rules(night.RULES),
            "",
        )
        self.told["workspaces"] = number
        self.told["seed"] = SEED

    def _evening(self) -> "Kept":
        hours: list[Hour] = []
        kept: list[Kept] = []
        self.show.growing(self._growing(hours, kept))
        self.told["evening"] = [record(one.sight) for one in hours]
        self.told["kept"] = kept[0].workspace
        return kept[0]

    def _growing(self, hours: "list[Hour]", kept: "list[Kept]") -> "Iterator[Table]":
        for minutes, what in EVENING:
            self._go_to(minutes)
            sight = self.stage.look()
            if minutes == EVENING[2][0]:
                kept.append(self.stage.snooze())
                what = f"{kept[0].workspace} is at work, and snoozes for 2 hours"  # noqa: PLW2901
            hours.append(fleet_pages.Hour(sight, what))
            yield fleet_pages.evening(hours)
            self._pause()

    def _go_to(self, minutes: int) -> None:
        self.simulator.advance(DUSK + timedelta(minutes=minutes) - self.stage.ctx.now())

    def _planned(self) -> "Plan":
        plan = self.stage.plan()
        self.show.put(
            pages.heading(f"The plan {brief(plan.plan_id)}: nothing is done before it is shown"),
            fleet_pages.stops(plan),
            pages.heading("Left alone, and why"),
            fleet_pages.spared(plan),
        )
        self.told["plan"] = plan_document(plan)
        self._pause()
        return plan

    def _applied(self, plan: "Plan") -> None:
        report, minutes = self.stage.apply(plan)
        again = self.stage.again()
        sight = self.stage.look()
        self.show.put(pages.heading("Applied: each looked at again, ten a minute at most"))
        self.show.growing(fleet_pages.pace(minutes, plan.stops))
        doubles = len(self.simulator.double_stops())
        self.stopped = stopped = report.count(ActionState.DONE)
        self.show.put(
            "",
            pages.checked(
                f"{stopped} stopped, followed to the end; {sight.running} go on",
                ok=not _failed(report),
            ),
            pages.checked("nothing was stopped twice", ok=not doubles),
            fleet_pages.left(again),
            pages.checked(fleet_pages.saved(stopped, DAWN - sight.at)),
        )
        self.told["report"] = report_document(report)
        self.told["left_to_do"] = len(again.actions)
        self._judge(report, doubles)
        self._pause()

    def _explained(self, kept: "Kept") -> None:
        found = self.stage.explain(kept.workspace)
        self.show.put(
            pages.heading(f"Why does {kept.workspace} go on?"),
            fleet_pages.explained(found),
        )
        self.told["explained"] = explanation_document(found)
        self._pause()

    def _taken_back(self, plan: "Plan") -> None:
        made, report = self.stage.undo(plan)
        sight = self.stage.look()
        self.show.put(
            pages.heading("Taken back, with one command"),
            pages.checked(
                fleet_pages.undone(made, report, self.stopped, sight.running),
                ok=not _failed(report),
            ),
        )
        self.told["undone"] = report_document(report)
        self._judge(report, len(self.simulator.double_stops()))

    def _closing(self) -> None:
        chain = self.stage.chain()
        what = f"the ledger has the reason of each: {count(chain.events, 'event')}, the chain holds"
        self.show.put(pages.checked(what, ok=chain.intact))
        self.told["chain"] = record(chain)
        if not chain.intact:
            raise _wrong("The ledger's chain is broken.")

    def _judge(self, report: "Report", doubles: int) -> None:
        if _failed(report) or doubles or report.end != "over":
            raise _wrong(f"{_failed(report)} failed, {doubles} were stopped twice: {report.end}.")

    def _pause(self) -> None:
        if self.pace:
            self.simulator.real.wait(self.pace)


def _failed(report: "Report") -> int:
    return report.count(ActionState.FAILED) + report.count(ActionState.UNCERTAIN)


def _wrong(why: str) -> FailedError:
    return FailedError(
        "demo_failed",
        "The night did not end as it must.",
        why=why,
        cure="Please report it; nothing of yours was touched.",
    )
